// What the viewer offers for a stack: the legend of its outlines, and the windows that fit it.

export function fillLegend(list, lines, words) {
  list.replaceChildren(...lines.map((line) => {
    const item = document.createElement("li");
    const style = !line.dash.length ? "solid" : line.dash[0] < 4 ? "dotted" : "dashed";
    item.style.setProperty("--line", `2px ${style} ${line.colour}`);
    item.textContent = line.names.map((name) => words[name] || name).join(", ");
    return item;
  }));
}

// The window that the bundle declares, then those that fit any body; keys press them in this order.
export function fillWindows(group, declared) {
  for (const button of group.querySelectorAll("[data-declared]")) button.remove();
  const known = [...group.children];
  const buttons = declared.map((one, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = one.title;
    Object.assign(button.dataset, {
      preset: `declared-${place}`, declared: "", level: String(one.centre_hu), width: String(one.width_hu),
    });
    return button;
  }).filter((one) => !known.some((other) =>
    other.dataset.level === one.dataset.level && other.dataset.width === one.dataset.width));
  group.prepend(...buttons);
  const presets = [...group.children];
  presets.forEach((one, place) => { one.title = String(place + 1); });
  return presets;
}
