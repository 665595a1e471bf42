// The list's own conveniences: a sound for a new urgent study, the search key, the list of keys.

const MUTED = "firstread-muted"; // kept in the browser: each workstation for itself
const TONES_HZ = [784, 1047]; // two short rising tones, unlike an alarm of a device
const TONE_S = 0.16;

const sound = document.getElementById("sound");
const keys = document.getElementById("keys");
let audio = null;

// --- sound ------------------------------------------------------------------------------------

const muted = () => localStorage.getItem(MUTED) === "yes";

function tellSound() {
  const blocked = !muted() && (!audio || audio.state !== "running");
  sound.hidden = false;
  sound.setAttribute("aria-pressed", String(!muted()));
  sound.textContent = muted() ? sound.dataset.off : blocked ? sound.dataset.blocked : sound.dataset.on;
}

// A browser lets a page sound only after somebody has used it.
async function allowSound() {
  if (muted()) return;
  audio = audio || new AudioContext();
  if (audio.state !== "running") await audio.resume();
  tellSound();
}

function play() {
  if (muted() || !audio || audio.state !== "running") return;
  TONES_HZ.forEach((hz, index) => {
    const begin = audio.currentTime + index * TONE_S;
    const tone = audio.createOscillator();
    const loudness = audio.createGain();
    tone.frequency.value = hz;
    loudness.gain.setValueAtTime(0.0001, begin);
    loudness.gain.exponentialRampToValueAtTime(0.25, begin + 0.02);
    loudness.gain.exponentialRampToValueAtTime(0.0001, begin + TONE_S);
    tone.connect(loudness).connect(audio.destination);
    tone.start(begin);
    tone.stop(begin + TONE_S);
  });
}

function toggleSound() {
  localStorage.setItem(MUTED, muted() ? "no" : "yes");
  tellSound();
  allowSound();
}

sound.addEventListener("click", () => {
  if (!muted() && (!audio || audio.state !== "running")) allowSound();
  else toggleSound();
});
// Not before a press has ended: the words of the button become shorter, and what stands beside it
// would move away from under the finger, which then presses nothing.
for (const sign of ["click", "keydown"]) {
  document.addEventListener(sign, (event) => {
    if (event.target !== sound) allowSound();
  }, { once: true });
}
document.addEventListener("new-urgent", play);
tellSound();

// --- keys -------------------------------------------------------------------------------------

const DO = {
  "/": () => {
    const search = document.getElementById("search");
    search.focus();
    search.select();
  },
  "?": () => keys.showModal(),
  m: toggleSound,
  n: () => document.getElementById("page-next")?.click(),
};

document.addEventListener("keydown", (event) => {
  const action = DO[event.key];
  if (!action || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target.closest("input, select, textarea, dialog")) return;
  event.preventDefault();
  action();
});

// --- the form -----------------------------------------------------------------------------------

// An address says only what was chosen; where that is nothing, that everything is to be shown: an
// address that says nothing at all means the reader's own list.
document.addEventListener("formdata", (event) => {
  if (event.target.id !== "filters") return;
  for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
  if (![...event.formData.keys()].length) event.formData.set("show", "all");
});
