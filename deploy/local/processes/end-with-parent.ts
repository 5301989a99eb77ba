// Preloaded (`node --import`) into programs that must not outlive their parent and have no say in it themselves, such as test files.
const parent = process.ppid;
const pollMs = 500;
setInterval(() => {
  if (process.ppid !== parent) process.exit(1);
}, pollMs).unref();
