// Put into every page before its own scripts: says what a viewer on Cornerstone3D has drawn. Both
// viewers are looked at by the same events of the library; of a picture that a page has before its
// viewer the browser says when it was on the screen (Element Timing), which is later than a drawing.
(() => {
  const PANES = '#viewer-now, [data-cy="viewport-pane"]';
  const seen = { drawings: 0 };
  let tell;
  const first = new Promise((resolve) => { tell = resolve; });
  performance.setResourceTimingBufferSize(100000);
  new PerformanceObserver((list) => {
    for (const { identifier, renderTime } of list.getEntries()) if (identifier === "first-picture") tell(renderTime);
  }).observe({ type: "element", buffered: true });
  // Of thumbnails the library tells too, in elements of its own outside of every pane, and of empty
  // panes, by the status that they had before the drawing.
  document.addEventListener("CORNERSTONE_IMAGE_RENDERED", (event) => {
    if (["noData", "loading"].includes(event.detail.viewportStatus) || !event.target.closest(PANES)) return;
    // The browser tells of a picture of the page a little later, and it was there before.
    if (!document.getElementById("viewer-first")) tell(performance.now());
    seen.drawings += 1;
  }, true);

  const frame = () => new Promise(requestAnimationFrame);
  const ofOhif = () => {
    const { viewportGridService, cornerstoneViewportService } = window.services;
    return cornerstoneViewportService.getCornerstoneViewport(viewportGridService.getActiveViewportId());
  };
  const shown = () => {
    const ours = document.getElementById("viewer-frame");
    return ours ? Number(ours.dataset.slice) : ofOhif().getCurrentImageIdIndex();
  };
  // While a viewer is not there yet, it shows none.
  const maybeShown = () => { try { return shown(); } catch { return NaN; } };

  window.watched = {
    shown,
    // When it was drawn; null where it was not within the limit.
    firstMs: (limitMs) => Promise.race([first, new Promise((resolve) => { setTimeout(resolve, limitMs, null); })]),
    // When another slice was drawn than the one that the viewer drew first; its wheel is turned meanwhile.
    listen: () => {
      let began = maybeShown();
      document.addEventListener("CORNERSTONE_IMAGE_RENDERED", async ({ target }) => {
        const drawnMs = performance.now();
        if (!target.closest(PANES)) return;
        await null; // the viewer hears of the drawing after us
        const now = maybeShown();
        if (Number.isNaN(began)) began = now;
        else if (!Number.isNaN(now) && now !== began) window.watched.answeredMs ??= drawnMs;
      }, true);
    },
    answeredMs: null,
    fetched: (part) => performance.getEntriesByType("resource").filter(({ name }) => name.includes(part)).length,
    // Looks at each frame of the screen, until `end`.
    begin: () => {
      const [places, framesMs, drawings] = [new Set([shown()]), [], seen.drawings];
      let on = true;
      const look = async () => {
        for (let before = await frame(); on;) {
          const now = await frame();
          framesMs.push(now - before);
          before = now;
          places.add(shown());
        }
      };
      const looked = look();
      window.watched.end = async () => {
        on = false;
        await looked;
        return { places: places.size, drawings: seen.drawings - drawings, framesMs };
      };
    },
  };
})();
