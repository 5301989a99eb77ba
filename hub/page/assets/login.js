// A link of `wheelhouse page` ends with #CODE, which a browser sends to nobody: here it is taken out of the address and posted.
const code = location.hash.slice(1);
const form = document.getElementById('login');
if (code !== '' && form instanceof HTMLFormElement) {
  history.replaceState(null, '', location.pathname);
  form.elements.namedItem('code').value = code;
  form.submit();
}
