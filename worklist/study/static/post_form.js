// Sends a form of the study's page without leaving it, and puts parts of the answer in their places:
// the slice that is looked at stays. What a script cannot do the browser does, with the page it gets.

function leaveToTheBrowser(form, submitter) {
  form.dataset.plain = "";
  form.requestSubmit(submitter);
}

// The page that was answered; null when the browser shows the answer itself.
export async function postForm(form, submitter) {
  let answer;
  try {
    answer = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form, submitter)),
      credentials: "same-origin",
    });
  } catch {
    leaveToTheBrowser(form, submitter);
    return null;
  }
  if (!answer.ok && answer.status !== 422) {
    leaveToTheBrowser(form, submitter);
    return null;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (page.getElementById("desk")) return page;
  if (answer.ok) window.location.reload(); // another page was answered: signed out, for example
  else leaveToTheBrowser(form, submitter);
  return null;
}

export function takeOver(page, selector) {
  const now = document.querySelector(selector);
  const then = page.querySelector(selector);
  if (!now || !then || (now.dataset.digest && now.dataset.digest === then.dataset.digest)) return;
  for (const open of now.querySelectorAll("details[open][id]")) {
    const same = then.querySelector(`#${CSS.escape(open.id)}`);
    if (same) same.open = true;
  }
  now.replaceWith(document.adoptNode(then));
}

export const isPlain = (form) => "plain" in form.dataset;
