// The samples that the filters let through, page by page.
'use strict';

const gallery = {
  page: 0,
  perPage: 60
};

// Pictures are tiles of a few large JPEGs, decoded when the first of one is shown.
const tiles = arrayOf('tile', Int32Array), tileSizes = arrayOf('tile_size', Uint8Array);
const sheets = [];
function sheetUrl(at) {
  if (!sheets[at])
    sheets[at] = URL.createObjectURL(new Blob([bytesOf('sheet' + at)], {type: 'image/jpeg'}));
  return sheets[at];
}

// The sample's picture, its longer side `side` pixels; a grey field where there is none.
function picture(sample, side) {
  const s = report.sprites, tile = tiles && s ? tiles[sample] : -1;
  if (tile < 0) return el('span', {class: 'nothing'}, s ? 'no picture' : nameNode(fileOf(sample)));
  const width = tileSizes[2 * sample], height = tileSizes[2 * sample + 1];
  const scale = side / Math.max(width, height), sheet = Math.floor(tile / s.per_sheet),
        at = tile % s.per_sheet;
  const here = Math.min(s.per_sheet, s.count - sheet * s.per_sheet),
        columns = Math.min(s.columns, here);
  const node = el('span', {class: scale >= 2 ? 'picture sharp' : 'picture'});
  node.style.width = width * scale + 'px';
  node.style.height = height * scale + 'px';
  node.style.backgroundImage = `url(${sheetUrl(sheet)})`;
  node.style.backgroundSize =
      `${columns * s.pitch_x * scale}px ${Math.ceil(here / s.columns) * s.pitch_y * scale}px`;
  node.style.backgroundPosition = `${- (at % s.columns) * s.pitch_x * scale}px ${
      - Math.floor(at / s.columns) * s.pitch_y * scale}px`;
  return el('span', {class: 'frame'}, node);
}

// What the prediction is, in a line: with several labels, what it lacks and what it has too much.
function verdict(sample) {
  const sure =
      isNumber(confidence[sample]) && !multi ? ` ${(100 * confidence[sample]).toFixed(0)} %` : '';
  if (right[sample]) return `✓${sure}`;
  const given = labelsOf(truth, sample), said = labelsOf(predicted, sample);
  if (!multi) return `✗ ${namesOf(said)}${sure}`;
  return [
    '✗', ...given.filter((k) => !said.includes(k)).map((k) => '−' + className(k)),
    ...said.filter((k) => !given.includes(k)).map((k) => '+' + className(k))
  ].join(' ');
}

function tileButton(sample) {
  const said = namesOf(labelsOf(predicted, sample)), given = namesOf(labelsOf(truth, sample)),
        good = right[sample] === 1;
  const sure = isNumber(confidence[sample]) ? ` ${(100 * confidence[sample]).toFixed(0)} %` : '';
  return el(
      'button', {
        type: 'button',
        tabindex: '-1',
        'data-sample': sample,
        onclick: () => openSample(sample),
        title: `${fileOf(sample)}\ntrue ${given}, predicted ${said}`,
        'aria-label': `${fileOf(sample)}: true ${given}, predicted ${said},${sure} ${
            good ? 'right' : 'wrong'}`,
      },
      picture(sample, 96),
      el('span', {class: 'caption'}, el('bdi', {}, given),
         el('bdi', {class: good ? 'right' : 'wrong'}, verdict(sample))));
}

// Applies a filter from elsewhere on the page and brings its samples into view.
function showSamples(changes_) {
  setFilter(changes_, true);
  byId('gallery').scrollIntoView({block: 'start'});
}

function csvCell(text) { return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text; }
function selectionCsv() {
  const labels = (list, i) => labelsOf(list, i).map(className).join('|');
  const rows = [...selection].map(
      (i) =>
          [fileOf(i), labels(truth, i), labels(predicted, i),
           isNumber(confidence[i]) ? String(confidence[i]) : '']);
  return [['filename', 'true', 'predicted', 'confidence'], ...rows]
      .map((row) => row.map(csvCell).join(',') + '\r\n')
      .join('');
}
function exportSelection() {
  const url = URL.createObjectURL(new Blob([selectionCsv()], {type: 'text/csv'}));
  el('a', {href: url, download: 'selection.csv'}).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

function filterControls() {
  // A cell of the matrix may ask for samples without the label; who chooses one here wants those
  // with.
  const has = {truth: 'truthHas', predicted: 'predictedHas'};
  const of = (key, label, options, parse) => {
    const s = select(label, options, (v) => {
      gallery.page = 0;
      setFilter({[key]: parse(v), ...(key in has && {[has[key]]: true})});
    });
    s.node.id = 'filter-' + key;
    return [key, s];
  };
  const selects = new Map([
    of('truth', 'True', classOptions('any'), Number),
    of('predicted', 'Predicted', classOptions('any'), Number),
    of('result', 'Result', [['all', 'right and wrong'], ['wrong', 'wrong'], ['right', 'right']],
       String),
    of('sort', 'Order',
       [
         ['order', 'as in the file'], ['loss', 'highest loss'], ['margin', 'closest decision'],
         ['suspicious', 'label looks wrong'], ['confidence', 'least confident']
       ],
       String),
  ]);
  if (change)
    selects.set(...of(
        'change', 'Between the runs',
        [['0', 'any'], ...[2, 3, 4, 1].map((c) => [String(c), changes[c]])], Number));
  const input = (key, label, attributes, parse) => {
    const node = el(
        'input',
        {id: 'filter-' + key, ...attributes, oninput: () => setFilter({[key]: parse(node.value)})});
    selects.set(key, {node, label: el('label', {}, label, node)});
  };
  const share = (otherwise) => (v) => (v === '' ? otherwise : Math.min(1, Math.max(0, Number(v))));
  input('low', 'Confidence from', {type: 'number', min: 0, max: 1, step: 0.05}, share(0));
  input('high', 'to', {type: 'number', min: 0, max: 1, step: 0.05}, share(1));
  input('text', 'File or class contains', {type: 'search', autocomplete: 'off'}, String);
  onSelection(() => {
    for (const [key, {node}] of selects)
      if (node !== document.activeElement || node.tagName === 'SELECT')
        node.value = (key === 'low' && filter.low === 0) || (key === 'high' && filter.high === 1) ?
            '' :
            String(filter[key]);
  });
  return el(
      'div', {class: 'controls', role: 'search', 'aria-label': 'Filters'},
      ...[...selects.values()].map((s) => s.label),
      el('button', {type: 'button', id: 'clear-filters', onclick: () => setFilter({}, true)},
         'Clear filters'));
}

// How far a key moves among the samples of a page, and among pages.
function galleryMove(key, at, list) {
  const width = getComputedStyle(list).gridTemplateColumns.split(' ').length;
  const step = {
    ArrowRight: 1,
    ArrowLeft: -1,
    ArrowDown: width,
    ArrowUp: -width,
    Home: -at,
    End: list.children.length - 1 - at
  }[key];
  return {step, leaf: {PageDown: 1, PageUp: -1}[key]};
}

function focusTile(list, at) {
  for (const tile of list.children) tile.tabIndex = -1;
  list.children[at].tabIndex = 0;
  list.children[at].focus();
}

function showGallery() {
  addToNav('gallery', 'Samples');
  const status = el('p', {role: 'status', id: 'selection-count'});
  const list = el('div', {class: 'gallery', role: 'group', 'aria-label': 'Samples'});
  const where = el('span', {}), buttons = {};
  for (const [name, step] of [
           ['First', -Infinity], ['Previous', -1], ['Next', 1], ['Last', Infinity]]) {
    buttons[name] = el('button', {type: 'button', onclick: () => turn(step)}, name);
  }
  if (window.innerWidth < 520) gallery.perPage = 24;
  const pages = () => Math.max(1, Math.ceil(selection.length / gallery.perPage));
  function turn(step) {
    gallery.page = Math.min(pages() - 1, Math.max(0, gallery.page + step));
    draw();
  }
  function draw(focus) {
    gallery.page = Math.min(gallery.page, pages() - 1);
    const from = gallery.page * gallery.perPage;
    list.replaceChildren(...[...selection.subarray(from, from + gallery.perPage)].map(tileButton));
    if (list.firstChild) list.firstChild.tabIndex = 0;
    where.textContent = `Page ${count(gallery.page + 1)} of ${count(pages())}`;
    buttons.First.disabled = buttons.Previous.disabled = gallery.page === 0;
    buttons.Last.disabled = buttons.Next.disabled = gallery.page === pages() - 1;
    if (focus !== undefined && list.children.length)
      focusTile(list, Math.min(focus, list.children.length - 1));
  }
  list.addEventListener('keydown', (event) => {
    const at = [...list.children].indexOf(event.target.closest('button'));
    const {step, leaf} = galleryMove(event.key, at, list);
    if (at < 0 || (step === undefined && leaf === undefined)) return;
    event.preventDefault();
    const next = at + (step || 0);
    if (leaf || next >= list.children.length || next < 0) {
      const before = gallery.page;
      gallery.page = Math.min(pages() - 1, Math.max(0, before + (leaf || Math.sign(step))));
      if (gallery.page !== before) draw(leaf ? at : step > 0 ? 0 : gallery.perPage - 1);
    } else
      focusTile(list, next);
  });
  byId('gallery').append(
      filterControls(), status, list,
      el('div', {class: 'pager'}, buttons.First, buttons.Previous, where, buttons.Next,
         buttons.Last,
         el('button', {type: 'button', id: 'export', onclick: exportSelection},
            'Export file names (CSV)')));
  onSelection(() => {
    gallery.page = 0;
    const words = filterText();
    status.textContent =
        `${count(selection.length)} of ${count(shown)} samples${words ? ': ' + words : ''}`;
    draw();
  });
}
