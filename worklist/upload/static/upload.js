// Sends what is dropped or chosen, shows how far the transfer is, and goes to the answer. Without
// this script the form does the same, without a bar.

const form = document.getElementById("upload");
const drop = document.getElementById("drop");
const inputs = [document.getElementById("files"), document.getElementById("folder")];
const transfer = document.getElementById("transfer");
const bar = document.getElementById("transfer-bar");
const progressWords = document.getElementById("transfer-words");
const refusal = document.getElementById("refusal");
const send = document.getElementById("send");
const words = document.querySelector("[data-words]").dataset;

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

function refuse(text) {
  refusal.textContent = text;
  refusal.hidden = !text;
  transfer.hidden = true;
  send.disabled = false;
}

// --- what was dropped: files, and folders with all that is below them ------------------------------

const entriesOf = (reader) => new Promise((done, failed) => reader.readEntries(done, failed));
const fileOf = (entry) => new Promise((done, failed) => entry.file(done, failed));

async function filesOf(entry, most) {
  if (entry.isFile) return [await fileOf(entry)];
  const files = [];
  const reader = entry.createReader();
  for (;;) {
    const entries = await entriesOf(reader); // a browser gives a hundred at a time
    if (!entries.length || files.length > most) return files;
    for (const one of entries) files.push(...(await filesOf(one, most)));
  }
}

async function dropped(transferred) {
  const most = Number(form.dataset.mostFiles);
  const entries = [...transferred.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transferred.files];
  const files = [];
  for (const entry of entries) files.push(...(await filesOf(entry, most)));
  return files;
}

// --- sending --------------------------------------------------------------------------------------

// The server keeps no names; this tab remembers which number is which.
function rememberNames(address, files) {
  const token = new URL(address).pathname.split("/").pop();
  const names = files.map((file) => file.webkitRelativePath || file.name);
  try {
    sessionStorage.setItem(`upload-${token}`, JSON.stringify(names));
  } catch {
    // No room, or not allowed: the page then shows numbers only.
  }
}

function showProgress(event) {
  if (!event.lengthComputable) return;
  bar.value = Math.round((100 * event.loaded) / event.total);
  progressWords.textContent = event.loaded < event.total
    ? `${words.sending}: ${megabytes(event.loaded)} ${words.of} ${megabytes(event.total)}`
    : words.sent;
}

function start(files) {
  if (!files.length) return refuse(words.nothing);
  if (files.length > Number(form.dataset.mostFiles)) return refuse(words.tooMany);
  const size = files.reduce((sum, file) => sum + file.size, 0);
  if (size > Number(form.dataset.mostBytes)) return refuse(words.tooLarge);
  const body = new FormData();
  // Fields of the form stand before the files; a file's name stays here.
  for (const field of form.querySelectorAll("input[type=hidden]")) body.append(field.name, field.value);
  files.forEach((file, index) => body.append("files", file, String(index + 1)));
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  const token = document.querySelector("meta[name=csrf-token]");
  if (token) request.setRequestHeader("X-CSRF-Token", token.content);
  request.upload.addEventListener("progress", showProgress);
  request.addEventListener("load", () => {
    if (request.status === 200 && request.responseURL.includes("/uploads/")) {
      rememberNames(request.responseURL, files);
      window.location.assign(request.responseURL);
    } else {
      refuse(request.status === 503 ? words.busy : words.broken);
    }
  });
  request.addEventListener("error", () => refuse(words.broken));
  request.addEventListener("abort", () => refuse(words.stopped));
  document.getElementById("stop").onclick = () => request.abort();
  refuse("");
  transfer.hidden = false;
  send.disabled = true;
  progressWords.textContent = words.sending;
  bar.value = 0;
  request.send(body);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  start(inputs.flatMap((input) => [...input.files]));
});

for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  start(await dropped(event.dataTransfer));
});
