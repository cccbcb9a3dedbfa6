// The samples in the plane (embedding.csv). A rectangle drawn over them selects those inside.
'use strict';

function showMap() {
  const plane = arrayOf('plane', Float32Array);
  if (!plane) return;
  addToNav('map', 'Map');
  let by = 'truth', box = null, drag = null;
  const canvas = el('canvas', {
    class: 'map',
    tabindex: '0',
    role: 'application',
    'aria-label':
        'Map of the samples. Arrow keys move a frame, plus and minus change its size, Enter selects what is inside, Escape clears.'
  });
  const legend = el('div', {class: 'legend'});
  const colours = select(
      'Colour',
      [
        ['truth', multi ? 'first true label' : 'true class'],
        ['predicted', multi ? 'first predicted label' : 'predicted class'],
        ['right', 'right or wrong']
      ],
      (value) => {
        by = value;
        draw();
      });
  const clear =
      el('button', {
        type: 'button',
        onclick: () => {
          box = null;
          setFilter({area: null});
        }
      },
         'Clear the area');
  byId('map').append(
      el('p', {class: 'quiet'},
         'What the model sees in the images, laid into the plane by principal components. Draw a frame to select samples; click a point to open it.'),
      el('div', {class: 'controls'}, colours.label, clear), canvas, legend);

  let low = [Infinity, Infinity], high = [-Infinity, -Infinity];
  for (let i = 0; i < 2 * shown; ++i)
    if (plane[i] === plane[i]) {
      low[i & 1] = Math.min(low[i & 1], plane[i]);
      high[i & 1] = Math.max(high[i & 1], plane[i]);
    }
  const place = (i) => [0, 1].map((d) => {
    const s = (plane[2 * i + d] - low[d]) / (high[d] - low[d] || 1);
    return 0.03 + 0.94 * (d ? 1 - s : s);
  });
  const at = new Float32Array(2 * shown);
  for (let i = 0; i < shown; ++i) at.set(place(i), 2 * i);
  const groupOf = (i) =>
      (by === 'right' ? right[i] : labelsOf(by === 'truth' ? truth : predicted, i)[0] ?? -1);
  const tint = (g) =>
      (by === 'right' ? colour(g ? 'good' : 'bad') :
           g < 0      ? colour('quiet') :
                        classColour(g));

  function draw() {
    const width = canvas.clientWidth, height = canvas.clientHeight,
          scale = window.devicePixelRatio || 1;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const context = canvas.getContext('2d');
    context.scale(scale, scale);
    const inside = new Uint8Array(shown);
    for (const i of selection) inside[i] = 1;
    const tints = new Map();
    const all = selection.length === shown;
    for (const pass of [0, 1]) {  // those selected lie on top
      context.globalAlpha = pass ? 0.85 : 0.12;
      for (let i = 0; i < shown; ++i) {
        if (inside[i] !== pass || at[2 * i] !== at[2 * i]) continue;
        const group = groupOf(i);
        if (!tints.has(group)) tints.set(group, tint(group));
        context.fillStyle = tints.get(group);
        const size = all ? 3 : pass ? 4 : 2;
        context.fillRect(
            at[2 * i] * width - size / 2, at[2 * i + 1] * height - size / 2, size, size);
      }
    }
    context.globalAlpha = 1;
    if (box) {
      context.strokeStyle = colour('text');
      context.setLineDash([4, 3]);
      context.strokeRect(
          box[0] * width, box[1] * height, (box[2] - box[0]) * width, (box[3] - box[1]) * height);
    }
    const groups = by === 'right' ? [1, 0] : [...report.classes.keys()].slice(0, 20);
    legend.replaceChildren(
        ...groups.map((g) => {
          const dot = el('span', {class: 'dot'});
          dot.style.backgroundColor = tint(g);
          return el(
              'span', {}, dot, by === 'right' ? (g ? 'right' : 'wrong') : nameNode(className(g)));
        }),
        ...(by !== 'right' && classCount > 20 ? [`and ${classCount - 20} more`] : []));
  }

  function choose() {
    const area = new Uint8Array(shown);
    for (let i = 0; i < shown; ++i) {
      const x = at[2 * i], y = at[2 * i + 1];
      area[i] = x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3] ? 1 : 0;
    }
    setFilter({area});
  }
  function openNearest(x, y) {
    let best = -1, distance = 0.02 ** 2;
    for (const i of selection) {
      const d = (at[2 * i] - x) ** 2 + (at[2 * i + 1] - y) ** 2;
      if (d < distance) {
        distance = d;
        best = i;
      }
    }
    if (best >= 0) openSample(best);
  }
  const position = (event) => {
    const r = canvas.getBoundingClientRect();
    return [(event.clientX - r.left) / r.width, (event.clientY - r.top) / r.height];
  };
  canvas.addEventListener('pointerdown', (event) => {
    drag = position(event);
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!drag) return;
    const [x, y] = position(event);
    box = [Math.min(x, drag[0]), Math.min(y, drag[1]), Math.max(x, drag[0]), Math.max(y, drag[1])];
    draw();
  });
  canvas.addEventListener('pointerup', (event) => {
    if (!drag) return;
    const start = drag, end = position(event);
    drag = null;
    if (Math.abs(end[0] - start[0]) + Math.abs(end[1] - start[1]) < 0.01) {
      box = null;
      draw();
      openNearest(...end);
    } else
      choose();
  });
  canvas.addEventListener('keydown', (event) => {
    const move = {
      ArrowLeft: [-0.05, 0],
      ArrowRight: [0.05, 0],
      ArrowUp: [0, -0.05],
      ArrowDown: [0, 0.05]
    }[event.key];
    const grow = {'+': 0.05, '-': -0.05}[event.key];
    if (event.key === 'Escape' && box) {
      box = null;
      setFilter({area: null});
    } else if (event.key === 'Enter' && box)
      choose();
    else if (move)
      box = box ? [box[0] + move[0], box[1] + move[1], box[2] + move[0], box[3] + move[1]] :
                  [0.4, 0.4, 0.6, 0.6];
    else if (grow && box && box[2] - box[0] + grow > 0.04) {
      box[2] += grow;
      box[3] += grow;
    } else
      return;
    event.preventDefault();
    draw();
  });
  onSelection(() => {
    if (!filter.area) box = null;
    draw();
  });
  onTheme(draw);
  new ResizeObserver(draw).observe(canvas);
}
