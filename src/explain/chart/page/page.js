// The panels hold everything already; this shows the one that is pointed at, or else the chosen one.
(() => {
  'use strict';
  const root = document.documentElement;
  root.classList.add('scripted');
  const marks = [...document.querySelectorAll('.chart [data-panel]')];
  const boxes = marks.filter((m) => m.dataset.box !== undefined);
  const bands = marks.filter((m) => m.dataset.from !== undefined);
  const chart = document.querySelector('.chart');
  let chosen = null;

  const show = (mark) => {
    for (const panel of document.querySelectorAll('.panel')) {
      panel.classList.toggle('shown', mark !== null && panel.id === 'panel-' + mark.dataset.panel);
    }
    const box = mark !== null && mark.dataset.box !== undefined ? mark.dataset.box : null;
    chart.classList.toggle('has-focus', mark !== null);
    for (const band of bands) {
      band.classList.toggle('near', band === mark || (box !== null && (band.dataset.from === box || band.dataset.to === box)));
    }
  };
  const choose = (mark, focus) => {
    chosen = mark;
    for (const other of marks) {
      other.classList.toggle('selected', other === mark);
      other.setAttribute('aria-pressed', String(other === mark));
    }
    show(mark);
    if (focus) mark.focus();
  };

  const middle = (mark) => {
    const r = mark.getBoundingClientRect();
    return r.top + r.height / 2;
  };
  /// The nearest box above or below, or where the widest band goes or comes from.
  const neighbour = (mark, key) => {
    if (mark.dataset.box === undefined) {
      const end = key === 'ArrowLeft' ? mark.dataset.from : mark.dataset.to;
      return key === 'ArrowLeft' || key === 'ArrowRight' ? boxes.find((b) => b.dataset.box === end) : null;
    }
    if (key === 'ArrowUp' || key === 'ArrowDown') {
      const sign = key === 'ArrowDown' ? 1 : -1;
      const there = boxes.filter((b) => b !== mark && b.dataset.column === mark.dataset.column && sign * (middle(b) - middle(mark)) > 0);
      return there.sort((a, b) => sign * (middle(a) - middle(b)))[0];
    }
    const [mine, other] = key === 'ArrowRight' ? ['from', 'to'] : ['to', 'from'];
    const band = bands.find((b) => b.dataset[mine] === mark.dataset.box);  // the widest is first
    return band && boxes.find((b) => b.dataset.box === band.dataset[other]);
  };

  for (const mark of marks) {
    mark.addEventListener('click', () => choose(mark, true));
    mark.addEventListener('mouseenter', () => show(mark));
    mark.addEventListener('mouseleave', () => show(chosen));
    mark.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault();
        choose(mark, true);
      } else if (event.key.startsWith('Arrow')) {
        const next = neighbour(mark, event.key);
        event.preventDefault();
        if (next) choose(next, true);
      }
    });
  }
  for (const link of document.querySelectorAll('a[data-show]')) {
    link.addEventListener('click', (event) => {
      event.preventDefault();
      const mark = document.getElementById(link.dataset.show);
      if (mark) choose(mark, true);
    });
  }
  const details = document.querySelector('details');
  let was = false;
  window.addEventListener('beforeprint', () => { was = details.open; details.open = true; });
  window.addEventListener('afterprint', () => { details.open = was; });

  const first = boxes.find((b) => b.dataset.first !== undefined) || boxes[0];
  if (first) choose(first, false);
})();
