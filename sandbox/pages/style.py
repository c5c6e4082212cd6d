"""The pages' one stylesheet: phone first, warm neutrals, light and dark."""

STYLE = """
:root { color-scheme: light dark; --paper: #faf8f5; --card: #fff; --ink: #2b2723; --quiet: #6a625a;
  --line: #e2dcd4; --accent: #7a3e1d; --on-accent: #fff; --good: #22623a; --bad: #9b2c22; }
@media (prefers-color-scheme: dark) { :root { --paper: #1d1a17; --card: #272320; --ink: #efe9e2;
  --quiet: #b3a99e; --line: #443d37; --accent: #e0a479; --on-accent: #221c18;
  --good: #8fcea5; --bad: #f0a096; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 26rem; margin: 0 auto; padding: 24px 16px; }
main:has(.wide) { max-width: 72rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 8px; }
h2 { font-size: 1.125rem; margin: 32px 0 8px; }
.amount { font-size: 1.5rem; font-variant-numeric: tabular-nums; margin: 0 0 16px; }
.quiet, footer { color: var(--quiet); }
footer { text-align: center; padding: 16px; font-size: .875rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 24px 16px; }
.problem { border-inline-start: 4px solid var(--bad); padding: 8px 16px; margin: 0 0 16px; }
label { display: block; margin: 16px 0 4px; }
input, select { width: 100%; font: inherit; color: inherit; background: var(--paper);
  border: 1px solid var(--quiet); border-radius: 8px; padding: 8px 16px; min-height: 48px; }
button { width: 100%; font: inherit; font-weight: 600; min-height: 48px; margin-top: 24px;
  border: 0; border-radius: 8px; background: var(--accent); color: var(--on-accent); cursor: pointer; }
button.second { background: transparent; color: var(--ink); border: 1px solid var(--quiet);
  margin-top: 8px; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
a { color: var(--accent); }
.back { margin: 16px 0 0; text-align: center; }
.back a { display: inline-block; min-height: 48px; line-height: 48px; }
.wide { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th, td { text-align: start; padding: 8px 16px; border-bottom: 1px solid var(--line);
  white-space: nowrap; font-variant-numeric: tabular-nums; }
th { color: var(--quiet); font-weight: 600; }
.move { display: inline-block; margin: 0 4px 0 0; }
.move button { width: auto; min-height: 48px; margin: 4px 0; padding: 0 16px; font-size: .875rem; }
.good { color: var(--good); } .bad { color: var(--bad); }
"""
