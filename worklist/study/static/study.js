// The form for clinical values and the list of keys. The form stands outside of the live parts:
// what arrives while somebody types never takes away what was typed.
const form = () => document.getElementById("clinical-form");
const clinical = () => document.getElementById("clinical");
const severity = () => document.querySelector('[data-part="severity"]');
const keys = document.getElementById("keys");
const showKeys = document.getElementById("show-keys");

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

function takeOver(page, selector) {
  const now = document.querySelector(selector);
  const then = page.querySelector(selector);
  if (now && then) now.replaceWith(document.adoptNode(then));
}

async function save(event) {
  if (event.target !== form()) return;
  event.preventDefault();
  const told = document.getElementById("clinical-state");
  let answer;
  try {
    answer = await fetch(form().action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form())),
      credentials: "same-origin",
    });
  } catch {
    told.textContent = "";
    form().submit(); // the browser says what is wrong
    return;
  }
  if (!answer.ok && answer.status !== 422) {
    form().submit();
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!page.getElementById("clinical")) {
    window.location.reload(); // another page was answered: signed out, for example
    return;
  }
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

showKeys.hidden = false;
showKeys.addEventListener("click", () => keys.showModal());
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
