package main

import (
	"os"
	"strconv"
	"time"
)

const parentPollInterval = 500 * time.Millisecond

// dieWithParent ends this process when the one that started it is gone, however it went: a control plane that nobody owns
// would hold ports and a gigabyte of memory. The kernel does it at once where it can, even to a stopped process; elsewhere
// the parent's id is watched. It applies only when WHEELHOUSE_PARENT_PID names the parent; WHEELHOUSE_GUARDED_FD is closed
// when it holds, because a process that is stopped before cannot be helped.
func dieWithParent() {
	parent, err := strconv.Atoi(os.Getenv("WHEELHOUSE_PARENT_PID"))
	if err != nil {
		return
	}
	askKernelToDieWithParent()
	go func() {
		for os.Getppid() == parent {
			time.Sleep(parentPollInterval)
		}
		os.Exit(1)
	}()
	if guarded, err := strconv.Atoi(os.Getenv("WHEELHOUSE_GUARDED_FD")); err == nil {
		_ = os.NewFile(uintptr(guarded), "guarded").Close() // the parent that would hear of an error is its other end
	}
}
