/** Style sheet of a report: on a screen of any width, light or dark, and on paper. */
export const style = `:root {
  color-scheme: light dark;
  --ink: #1d2126;
  --soft: #555d66;
  --paper: #fff;
  --line: #d5dae0;
  --tint: #f3f5f8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6e9ed;
    --soft: #a7afb9;
    --paper: #15181c;
    --line: #363c44;
    --tint: #1e2328;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0;
  background: var(--paper);
  color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif;
}
main { max-width: 70rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 1rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 0.6rem; }
p { max-width: 46rem; margin: 0 0 0.7rem; overflow-wrap: anywhere; }
figure { margin: 0; }
figcaption, small, caption { color: var(--soft); font-size: 0.875rem; }
.headline { display: flex; flex-wrap: wrap; gap: 0.75rem; margin: 0; }
.headline > div {
  flex: 1 1 9.5rem;
  padding: 0.6rem 0.8rem;
  background: var(--tint);
  border: 1px solid var(--line);
  border-radius: 6px;
}
.headline dt { color: var(--soft); font-size: 0.875rem; }
.headline dd { margin: 0; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.headline small { display: block; line-height: 1.3; }
.wide { overflow-x: auto; margin: 0 0 1rem; }
.wide img { display: block; width: 100%; min-width: 44rem; height: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9375rem; }
caption { text-align: left; padding-bottom: 0.3rem; }
th, td { padding: 0.3rem 0.8rem 0.3rem 0; text-align: right; vertical-align: bottom; }
th { font-weight: 600; }
th:first-child { text-align: left; white-space: nowrap; }
td { white-space: nowrap; }
thead th { border-bottom: 2px solid var(--line); }
tbody tr > * { border-bottom: 1px solid var(--line); }
.curves { display: flex; flex-wrap: wrap; gap: 0.75rem; margin-bottom: 1rem; }
.curves svg { max-width: 100%; height: auto; }
pre {
  background: var(--tint);
  border: 1px solid var(--line);
  border-radius: 6px;
  padding: 0.7rem 0.9rem;
  white-space: pre-wrap;
  overflow-wrap: anywhere;
}
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1rem; margin: 0; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.badge { display: inline-block; padding: 0 0.5em; border: 1.5px solid; border-radius: 999px; font-size: 0.875rem; font-weight: 600; line-height: 1.5; vertical-align: 0.1em; white-space: nowrap; }
.badge[data-verdict='altered'] { background: #b3380e; border-color: #b3380e; color: #fff; }
.badge[data-verdict='unsure'] { background: #ffd75e; border-color: #8a6500; color: #33270a; }
.badge[data-verdict='nothing found'] { border-color: #2f7fc1; }
.file { border-top: 2px solid var(--line); margin-top: 2.2rem; }
.file h2, .face h3 { overflow-wrap: anywhere; }
.face { margin: 1.4rem 0; }
.face h3 { font-size: 1.05rem; margin: 0 0 0.4rem; }
.file figure { margin: 0.8rem 0; }
.file .wide { margin: 0 0 0.3rem; }
.file .wide img { width: auto; max-width: 100%; min-width: 0; }
.files td, .files th { text-align: left; }
.files th:first-child { white-space: normal; overflow-wrap: anywhere; }
a { color: inherit; }
ul { max-width: 46rem; padding-left: 1.2rem; }
li { margin-bottom: 0.4rem; }
.strip { display: block; margin-bottom: 0.5rem; width: 100%; max-width: 29rem; height: auto; }
.strip text { fill: var(--soft); font-size: 12px; }
.strip .axis { stroke: var(--soft); stroke-width: 2; }
.strip .bound { stroke: var(--ink); stroke-width: 2; stroke-dasharray: 4 3; }
.strip .band { fill: #ffd75e; opacity: 0.5; }
.strip .own { fill: #b3380e; stroke: var(--paper); stroke-width: 1.5; }
.strip .view { fill: #2f7fc1; stroke: var(--paper); stroke-width: 1; }
@page { margin: 15mm; }
@media print {
  :root { --ink: #000; --soft: #444; --paper: #fff; --line: #bbb; --tint: #fff; color-scheme: light; }
  main { max-width: none; padding: 0; }
  .wide { overflow: visible; }
  .wide img { min-width: 0; }
  table { font-size: 0.75rem; }
  tr, figure, .curves svg, .headline > div, .strip, .face .facts { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .badge { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .file .wide img { max-height: 200mm; }
}
`;
