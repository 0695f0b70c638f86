// Says beside the button what went wrong with a passkey; allauth's script only writes it into the browser's console.
document.addEventListener('allauth.error', function (event) {
  event.preventDefault()
  const told = document.querySelector('[data-passkey-failed]')
  if (!told) return
  told.hidden = false
  told.focus()
})
