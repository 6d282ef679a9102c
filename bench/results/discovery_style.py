"""The style sheet of the page of discovered attributes."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #ffffff; --ink: #1a1f26; --muted: #5a6472; --rule: #d9dee5;
  --track: #e9edf2; --alone: #1f5fa8; --joint: #9fc0e6; --link: #1f5fa8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --ink: #e4e8ed; --muted: #9aa5b3; --rule: #333a44;
    --track: #262c34; --alone: #6fb0f5; --joint: #33587f; --link: #8cc2ff;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink); overflow-wrap: anywhere;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 70rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; }
h3 { font-size: 1.125rem; line-height: 1.3; margin: 0 0 .25rem; }
p { margin: .25rem 0 .75rem; max-width: 46rem; }
a { color: var(--link); }
.muted { color: var(--muted); }
.lead { font-size: 1.125rem; margin-top: 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: baseline; padding: .2rem .75rem .2rem 0; font-weight: normal; }
td.number { text-align: right; white-space: nowrap; }
td.bar { width: 12rem; padding-right: 0; vertical-align: middle; }
th[scope=rowgroup] { font-weight: 600; padding-top: .75rem; border-bottom: 1px solid var(--rule); }
dl { margin: 1rem 0; display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; max-width: 46rem; }
dt { color: var(--muted); }
dd { margin: 0; }
.track { display: block; position: relative; height: .6rem; background: var(--track); border-radius: .15rem; overflow: hidden; }
.fill { position: absolute; top: 0; bottom: 0; left: 0; background: var(--alone); }
.fill.joint { background: var(--joint); }
.track, .fill, .key { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.key { display: inline-block; width: 1.5rem; height: .6rem; border-radius: .15rem; background: var(--alone); }
.key.joint { background: var(--joint); }
.codes { list-style: none; margin: 0; padding: 0; }
.codes > li { border-top: 1px solid var(--rule); padding: 1.25rem 0 1.5rem; }
.label { display: block; color: var(--muted); font-size: .875rem; font-weight: normal; }
.unnamed .name { color: var(--muted); font-weight: normal; }
.measures { width: 100%; margin-top: .5rem; font-size: .875rem; }
.measures td.bar { width: 35%; }
figure { margin: 1rem 0 0; min-width: 0; }
.scroll { overflow-x: auto; }
.scroll img { display: block; width: 100%; height: auto; }
figcaption { display: flex; justify-content: space-between; gap: 1rem; color: var(--muted); font-size: .875rem; }
@media (min-width: 60rem) {
  .codes > li { display: grid; grid-template-columns: 20rem minmax(0, 1fr); gap: 2rem; }
  figure { margin: 0; }
}
@media (max-width: 30rem) {
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .5rem; }
  td.bar { width: 35%; }
}
@media print { .codes > li { break-inside: avoid; } }
"""
