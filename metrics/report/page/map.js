// The samples in the plane (embedding.csv). A frame drawn over them selects those inside.
'use strict';

function showMap() {
  const plane = arrayOf('plane', Float32Array);
  if (plane && plane.some((v) => v === v)) new PlaneMap(plane);
}

const mapHelp =
    'Map of the samples. Arrow keys move a frame, plus and minus change its size, Enter selects what is inside, Escape clears.';

class PlaneMap {
  constructor(plane) {
    this.at = placed(plane);  // x, y of each sample, in shares of the canvas; NaN: not there
    this.by = 'truth';        // what the colours tell
    this.frame = null;        // left, top, right, bottom, in the same shares
    this.canvas =
        el('canvas', {class: 'map', tabindex: '0', role: 'application', 'aria-label': mapHelp});
    this.legend = el('div', {class: 'legend'});
    addToNav('map', 'Map');
    byId('map').append(
        el('p', {class: 'quiet'},
           'What the model sees in the images, laid into the plane by principal components. Draw a frame to select samples (on a touch screen, begin sideways); click a point to open it.'),
        el('div', {class: 'controls'}, this.colours(), this.clearButton()), this.canvas,
        this.legend);
    this.listen();
  }

  colours() {
    const choices = [
      ['truth', multi ? 'first true label' : 'true class'],
      ['predicted', multi ? 'first predicted label' : 'predicted class'],
      ['right', 'right or wrong']
    ];
    return select('Colour', choices, (value) => {
             this.by = value;
             this.draw();
           }).label;
  }
  clearButton() {
    return el('button', {type: 'button', onclick: () => this.clear()}, 'Clear the area');
  }
  clear() {
    this.frame = null;
    setFilter({area: null});
  }

  // Of a sample, and the colour of a group.
  group(i) {
    if (this.by === 'right') return right[i];
    return labelsOf(this.by === 'truth' ? truth : predicted, i)[0] ?? -1;
  }
  tint(group) {
    if (this.by === 'right') return colour(group ? 'good' : 'bad');
    return group < 0 ? colour('quiet') : classColour(group);
  }

  draw() {
    const {clientWidth: width, clientHeight: height} = this.canvas,
                                             scale = window.devicePixelRatio || 1;
    this.canvas.width = width * scale;
    this.canvas.height = height * scale;
    const context = this.canvas.getContext('2d');
    context.scale(scale, scale);
    this.drawPoints(context, width, height);
    this.drawFrame(context, width, height);
    this.drawLegend();
  }
  drawPoints(context, width, height) {
    const {at} = this, inside = new Uint8Array(shown), all = selection.length === shown;
    for (const i of selection) inside[i] = 1;
    const tints = new Map();
    for (const pass of [0, 1]) {  // those selected lie on top
      context.globalAlpha = pass ? 0.85 : 0.12;
      const size = all ? 3 : pass ? 4 : 2;
      for (let i = 0; i < shown; ++i) {
        if (inside[i] !== pass || at[2 * i] !== at[2 * i]) continue;
        const group = this.group(i);
        if (!tints.has(group)) tints.set(group, this.tint(group));
        context.fillStyle = tints.get(group);
        context.fillRect(
            at[2 * i] * width - size / 2, at[2 * i + 1] * height - size / 2, size, size);
      }
    }
    context.globalAlpha = 1;
  }
  drawFrame(context, width, height) {
    if (!this.frame) return;
    const [left, top, right, bottom] = this.frame;
    context.strokeStyle = colour('text');
    context.setLineDash([4, 3]);
    context.strokeRect(left * width, top * height, (right - left) * width, (bottom - top) * height);
  }
  drawLegend() {
    const most = 20, byRight = this.by === 'right';
    const groups = byRight ? [1, 0] : [...report.classes.keys()].slice(0, most);
    const name = (g) => (byRight ? (g ? 'right' : 'wrong') : nameNode(className(g)));
    const entries = groups.map((g) => {
      const dot = el('span', {class: 'dot'});
      dot.style.backgroundColor = this.tint(g);
      return el('span', {}, dot, name(g));
    });
    if (!byRight && classCount > most) entries.push(`and ${classCount - most} more`);
    this.legend.replaceChildren(...entries);
  }

  choose() {
    const {at, frame} = this, area = new Uint8Array(shown);
    for (let i = 0; i < shown; ++i) {
      const x = at[2 * i], y = at[2 * i + 1];
      area[i] = x >= frame[0] && x <= frame[2] && y >= frame[1] && y <= frame[3] ? 1 : 0;
    }
    setFilter({area});
  }
  openNearest(x, y) {
    const {at} = this;
    let best = -1, distance = 0.02 ** 2;
    for (const i of selection) {
      const d = (at[2 * i] - x) ** 2 + (at[2 * i + 1] - y) ** 2;
      if (d >= distance) continue;
      distance = d;
      best = i;
    }
    if (best >= 0) openSample(best);
  }

  listen() {
    let start = null,
        before = null;  // of a frame that is being drawn: its corner, the frame so far
    const {canvas} = this;
    canvas.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      start = this.position(event);
      before = this.frame;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (start) this.stretch(start, this.position(event));
    });
    canvas.addEventListener('pointerup', (event) => {
      if (start) this.release(start, this.position(event), before);
      start = null;
    });
    canvas.addEventListener('pointercancel', () => {  // the page is scrolled instead
      if (start) this.frame = before;
      start = null;
      this.draw();
    });
    canvas.addEventListener('keydown', (event) => this.key(event));
    onSelection(() => {
      if (!filter.area) this.frame = null;
      this.draw();
    });
    onTheme(() => this.draw());
    new ResizeObserver(() => this.draw()).observe(canvas);
  }
  position(event) {
    const r = this.canvas.getBoundingClientRect();
    return [(event.clientX - r.left) / r.width, (event.clientY - r.top) / r.height];
  }
  stretch(start, [x, y]) {
    this.frame = [
      Math.min(x, start[0]), Math.min(y, start[1]), Math.max(x, start[0]), Math.max(y, start[1])
    ];
    this.draw();
  }
  release(start, end, before) {
    if (Math.abs(end[0] - start[0]) + Math.abs(end[1] - start[1]) >= 0.01) {
      this.choose();
      return;
    }
    this.frame = before;
    this.draw();
    this.openNearest(...end);
  }
  key(event) {
    const step = 0.05, moves = {
      ArrowLeft: [-step, 0],
      ArrowRight: [step, 0],
      ArrowUp: [0, -step],
      ArrowDown: [0, step]
    };
    const move = moves[event.key], grow = {'+': step, '-': -step}[event.key], {frame} = this;
    if (event.key === 'Escape' && (frame || filter.area))
      this.clear();
    else if (event.key === 'Enter' && frame)
      this.choose();
    else if (move)
      this.frame = frame ? frame.map((v, side) => v + move[side % 2]) : [0.4, 0.4, 0.6, 0.6];
    else if (grow && frame && frame[2] - frame[0] + grow > 0.04)
      this.frame = [frame[0], frame[1], frame[2] + grow, frame[3] + grow];
    else
      return;
    event.preventDefault();
    this.draw();
  }
}

// The plane's coordinates as shares of the canvas, a margin left on each side.
function placed(plane) {
  const low = [Infinity, Infinity], high = [-Infinity, -Infinity];
  plane.forEach((v, i) => {
    if (v !== v) return;
    low[i & 1] = Math.min(low[i & 1], v);
    high[i & 1] = Math.max(high[i & 1], v);
  });
  return plane.map((v, i) => {
    const d = i & 1, share = (v - low[d]) / (high[d] - low[d] || 1);
    return 0.03 + 0.94 * (d ? 1 - share : share);
  });
}
