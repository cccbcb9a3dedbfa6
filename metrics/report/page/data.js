// The report's data: one JSON object, and arrays of numbers that are decoded when they are wanted.
'use strict';

const report = JSON.parse(document.getElementById('report').textContent);
const multi = report.task === 'multi';
const shown = report.shown;
const classCount = report.classes.length;
const thinned = shown < report.samples;

function bytesOf(name) {
  const element = document.getElementById('blob-' + name);
  if (!element) return null;
  const text = element.textContent;
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; ++i) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

// The array `name` of the page, or null.
function arrayOf(name, Type) {
  const bytes = bytesOf(name);
  return bytes && new Type(bytes.buffer, 0, bytes.length / Type.BYTES_PER_ELEMENT);
}

const labelType = multi ? Uint8Array : Uint16Array;
const truth = arrayOf('truth', labelType);
const predicted = arrayOf('predicted', labelType);
const loss = arrayOf('loss', Float32Array);
const confidence = arrayOf('confidence', Float32Array);

function has(labels, sample, k) {
  if (!multi) return labels[sample] === k;
  const at = sample * classCount + k;
  return (labels[at >> 3] >> (at & 7) & 1) === 1;
}
const isTrue = (sample, k) => has(truth, sample, k);
const isPredicted = (sample, k) => has(predicted, sample, k);

function labelsOf(labels, sample) {
  if (!multi) return [labels[sample]];
  const out = [];
  for (let k = 0; k < classCount; ++k)
    if (has(labels, sample, k)) out.push(k);
  return out;
}

// Whether a sample's prediction is right: every label of it.
function agreement(a, b) {
  const out = new Uint8Array(shown);
  for (let i = 0; i < shown; ++i) {
    let same = 1;
    if (!multi) same = a[i] === b[i] ? 1 : 0;
    for (let k = 0; multi && same && k < classCount; ++k)
      same = has(a, i, k) === has(b, i, k) ? 1 : 0;
    out[i] = same;
  }
  return out;
}
const right = agreement(truth, predicted);

const className = (k) => (k < classCount ? report.classes[k] : 'another class');
const namesOf = (ks) => (ks.length ? ks.map(className).join(', ') : 'no label');

function pathOf(sample) {
  if (report.path_prefix !== null) return report.path_prefix + report.ids[sample];
  return report.paths ? report.paths[sample] : '';
}
// What a person calls the sample: its file, or its id where it is none of its own.
const fileOf = (sample) => pathOf(sample) || report.ids[sample];

// Probabilities: all of [sample, class], or those of at least report.probability.floor and of the
// labels that samples have.
const floor = report.probability ? report.probability.floor : 0;
const NumberArray =
    report.probability && report.probability.type === 'f64' ? Float64Array : Float32Array;
const asStored = NumberArray === Float32Array ? Math.fround : (x) => x;
const probability = arrayOf('probability', NumberArray);
const entryClass = arrayOf('probability_class', Uint16Array);
const entryStart = (() => {
  const counts = arrayOf('probability_count', Uint16Array);
  if (!counts) return null;
  const out = new Uint32Array(counts.length + 1);
  for (let i = 0; i < counts.length; ++i) out[i + 1] = out[i] + counts[i];
  return out;
})();

// Calls f(class, probability) for every probability of the sample that is known.
function eachProbability(sample, f) {
  if (!probability) return;
  if (!entryClass) {
    for (let k = 0; k < classCount; ++k) f(k, probability[sample * classCount + k]);
  } else {
    for (let e = entryStart[sample]; e < entryStart[sample + 1]; ++e)
      f(entryClass[e], probability[e]);
  }
}

const limitOf = (k) =>
    (report.thresholds[k] === null || report.thresholds[k] === undefined ? 0.5 :
                                                                           report.thresholds[k]);

// How near the decision was: the two most probable classes apart; several labels: the label nearest
// to its threshold.
const margin = once(() => {
  const out = new Float64Array(shown).fill(NaN);
  for (let i = 0; probability && i < shown; ++i) {
    let first = 0, second = 0, least = 1;
    eachProbability(i, (k, p) => {
      least = Math.min(least, Math.abs(p - limitOf(k)));
      if (p > first) {
        second = first;
        first = p;
      } else if (p > second)
        second = p;
    });
    out[i] = multi ? least : first - second;
  }
  return out;
});

// How much the model believes the label that was given (self-confidence, Northcutt et al. 2021);
// several labels: the least of them.
const selfConfidence = once(() => {
  const out = new Float64Array(shown).fill(NaN);
  for (let i = 0; probability && i < shown; ++i) {
    let least = 1;
    eachProbability(i, (k, p) => {
      if (isTrue(i, k))
        least = Math.min(least, p);
      else if (multi)
        least = Math.min(least, 1 - p);
    });
    out[i] = least;
  }
  return out;
});

// The second run: its answers, and what became of each sample.
const change = arrayOf('change', Uint8Array);
const changes = ['not compared', 'right in both', 'got better', 'got worse', 'wrong in both'];
const otherPredicted = arrayOf('other_predicted', labelType);
const otherConfidence = arrayOf('other_confidence', Float32Array);

function once(make) {
  let value;
  return () => (value === undefined ? (value = make()) : value);
}
