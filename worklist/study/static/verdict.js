// The verdict: agree, disagree, acknowledge, go on; by button or key, without leaving the image.
const desk = document.getElementById("desk");
const bar = document.getElementById("verdict-bar");
const told = document.getElementById("verdict-said");
const disagreement = () => document.getElementById("disagreement");
const posting = import(desk.dataset.postModule); // not waited for: keys count from the first moment

let sending = false;

// --- sending ----------------------------------------------------------------------------------------

async function send(event) {
  const form = event.target;
  if (!bar.contains(form) || "plain" in form.dataset) return;
  event.preventDefault();
  if (sending) return;
  if (form.matches(".feedback") && !form.querySelector("input:checked")) {
    tell(bar.dataset.choose);
    form.querySelector("input[type=checkbox]").focus();
    return;
  }
  if (form.querySelector('[name="judgement"]') && isOutdated()) return;
  sending = true;
  tell("");
  const sender = event.submitter;
  const { postForm, takeOver } = await posting;
  const page = await postForm(form, sender);
  sending = false;
  if (!page) return;
  form.reset();
  if (disagreement()) disagreement().open = false;
  for (const key of ["flag_bar", "feedback", "flags"]) takeOver(page, `[data-part="${key}"]`);
  tell(`${bar.dataset.sent}: ${wordsOf(sender)}`, { unseen: true });
  // A button that is gone, or hidden in the closed form, leaves the focus to the next one.
  if (!sender.checkVisibility()) document.getElementById("next").focus();
}

// The viewer keeps the slices that are looked at when a newer result comes, and the form is about that.
function isOutdated() {
  const renew = document.getElementById("viewer-renew");
  if (!renew?.checkVisibility()) return false;
  tell(bar.dataset.newer);
  renew.focus();
  return true;
}

function wordsOf(sender) {
  const named = sender.id === "disagree" ? disagreement().querySelector("summary") : sender;
  return named.firstChild.textContent.trim();
}

// What was sent stands beside the buttons anyway, and is told to a screen reader alone.
function tell(words, { unseen = false } = {}) {
  told.classList.toggle("unseen", unseen);
  told.textContent = words;
}

document.addEventListener("submit", send);

// --- disagreeing ------------------------------------------------------------------------------------

function openDisagreement() {
  disagreement().open = true;
  disagreement().querySelector("input[type=checkbox]").focus();
}

bar.addEventListener("click", (event) => {
  const summary = event.target.closest("#disagreement > summary");
  if (!summary) return;
  event.preventDefault();
  if (disagreement().open) disagreement().open = false;
  else openDisagreement();
});

bar.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !disagreement()?.open) return;
  disagreement().open = false;
  disagreement().querySelector("summary").focus();
});

const isHalfSaid = () => [...(disagreement()?.querySelectorAll("input[type=checkbox], textarea") ?? [])]
  .some((field) => field.checked || (field.tagName === "TEXTAREA" && field.value));

window.addEventListener("beforeunload", (event) => {
  if (isHalfSaid()) event.preventDefault();
});

// --- keys -------------------------------------------------------------------------------------------

function press(id, otherwise) {
  const button = document.getElementById(id);
  if (button) button.click();
  else tell(otherwise);
}

const ACTS = {
  a: () => press("agree", bar.dataset.noAnswer),
  d: () => (disagreement() ? openDisagreement() : tell(bar.dataset.noAnswer)),
  g: () => press("acknowledge", bar.dataset.noFlag),
  j: () => press("next"),
  l: () => press("to-list"),
};

document.addEventListener("keydown", (event) => {
  const act = ACTS[event.key];
  if (!act || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.target.closest("input:not([type=range]), select, textarea, [contenteditable]")) return;
  event.preventDefault();
  act();
});

// --- who else ---------------------------------------------------------------------------------------

// What a stream brings is the same for all who follow the study; that it is open here everybody knows here.
function hideMyself() {
  for (const one of document.querySelectorAll(".open-now [data-reader]")) {
    one.hidden = one.dataset.reader === desk.dataset.reader;
  }
}

hideMyself();
new MutationObserver(hideMyself).observe(desk.querySelector(".back"), { childList: true });
desk.dataset.ready = "";
if (window.location.hash === "#none-left") document.getElementById("none-left").focus();
