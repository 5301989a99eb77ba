// A link of `wheelhouse page` ends with #CODE, which a browser sends to nobody: here it is taken out of the address and posted.
const form = document.getElementById('login');

function enter() {
  const code = location.hash.slice(1);
  if (code === '' || !(form instanceof HTMLFormElement)) return;
  history.replaceState(null, '', location.pathname);
  form.elements.namedItem('code').value = code;
  form.submit();
}

// Who is here already and is given a link comes to the same document.
addEventListener('hashchange', enter);
enter();
