// The form for clinical values, and the key that leads to it. The form stands outside of the live parts:
// what arrives while somebody types never takes away what was typed.
const form = () => document.getElementById("clinical-form");
const clinical = () => document.getElementById("clinical");
const severity = () => document.querySelector('[data-part="severity"]');
const keys = document.getElementById("keys");
const { isPlain, postForm, takeOver } = await import(document.getElementById("desk").dataset.postModule);

// --- the form -------------------------------------------------------------------------------------

function givenOf(field) {
  if (field.tagName !== "SELECT") return field.defaultValue;
  return ([...field.options].find((option) => option.defaultSelected) ?? field.options[0]).value;
}

const isChanged = () =>
  [...(form()?.querySelectorAll("input:not([type=hidden]), select") ?? [])]
    .some((field) => field.value !== givenOf(field));

function tellOfNewerValues() {
  const notice = document.getElementById("clinical-newer");
  if (!notice || !severity()) return;
  notice.hidden = Number(severity().dataset.entry) <= Number(clinical().dataset.entry);
}

async function save(event) {
  if (event.target !== form() || isPlain(form())) return;
  event.preventDefault();
  const told = document.getElementById("clinical-state");
  told.textContent = "";
  const page = await postForm(form(), event.submitter);
  if (!page) return;
  takeOver(page, "#clinical");
  takeOver(page, '[data-part="severity"]');
  document.getElementById("clinical-details").open = true;
  const refused = form().querySelector('[aria-invalid="true"]');
  if (refused) refused.focus();
  else document.getElementById("clinical-save").focus();
  tellOfNewerValues();
}

document.addEventListener("submit", save);
new MutationObserver(tellOfNewerValues).observe(document.querySelector(".sections"), { childList: true });
window.addEventListener("beforeunload", (event) => {
  if (isChanged()) event.preventDefault();
});
tellOfNewerValues();

// --- keys -------------------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || keys.open) return;
  if (event.target.closest("input:not([type=range]), select, textarea")) return;
  if (event.key === "?") {
    event.preventDefault();
    keys.showModal();
  } else if (event.key === "c") {
    event.preventDefault();
    const details = document.getElementById("clinical-details");
    details.open = true;
    details.querySelector("input:not([type=hidden]), select").focus();
  }
});
