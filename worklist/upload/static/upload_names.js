// Beside the number of a file: the name that it had in this tab. The server has never known it.

const token = window.location.pathname.split("/").pop();
const names = JSON.parse(sessionStorage.getItem(`upload-${token}`) || "[]");

function name(cell) {
  if (cell.dataset.named) return;
  cell.dataset.named = "yes";
  const [number] = cell.dataset.number.split(".");
  const found = names[Number(number) - 1];
  if (found) cell.textContent = `${cell.dataset.number} – ${found}`;
}

function nameAll() {
  for (const cell of document.querySelectorAll("[data-number]")) name(cell);
}

if (names.length) {
  nameAll();
  new MutationObserver(nameAll).observe(document.getElementById("main"), { childList: true, subtree: true });
}
