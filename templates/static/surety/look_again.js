// A page that waits for something looks again by itself. Whoever reads it is left in peace until there is something else
// to show: a page that waits no longer does not load this file.

const { src, dataset } = document.currentScript;

async function look() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!(await answer.text()).includes(new URL(src).pathname)) location.reload();
  } catch {
    // Nobody answered; the next look is soon.
  }
}

setInterval(look, Number(dataset.seconds) * 1000);
