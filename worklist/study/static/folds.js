// What is folded stays as its reader left it, from study to study, in this browser; and an address
// that names something folded unfolds it. The folds stand around the live parts, so that nothing
// that arrives closes them.
const KEPT = "firstread-folds";
const folds = [...document.querySelectorAll("details.fold")];

function kept() {
  try {
    const ids = JSON.parse(localStorage.getItem(KEPT) || "[]");
    return new Set(Array.isArray(ids) ? ids : []);
  } catch {
    return new Set(); // somebody else has written there
  }
}

const open = kept();
for (const fold of folds) {
  if (open.has(fold.id)) fold.open = true;
  fold.addEventListener("toggle", () => {
    const ids = folds.filter((one) => one.open).map((one) => one.id);
    localStorage.setItem(KEPT, JSON.stringify(ids));
  });
}

function goToNamed() {
  const id = decodeURIComponent(window.location.hash.slice(1));
  const named = id && document.getElementById(id);
  if (!named) return;
  for (let one = named.closest("details"); one; one = one.parentElement.closest("details")) one.open = true;
  const fold = named.closest("details.fold");
  (fold?.contains(named) && !named.checkVisibility() ? fold : named).scrollIntoView({ block: "nearest" });
  if (fold) fold.querySelector("summary").focus({ preventScroll: true });
}

window.addEventListener("hashchange", goToNamed);
goToNamed();
