//! What the page and its drawings look like, by day and by night.

/// Colours and marks of drawings, which are files of their own, too. Series are
/// told apart by shape as well; text has a contrast of at least 4.5 to its ground.
pub const DRAWING: &str = "
:root{color-scheme:light dark;--page:#fff;--ink:#1c2128;--soft:#57606a;--rule:#d8dee4;--on:#1c2128;--low:#0b6bcb;--high:#b35309;
--s0:#0b6bcb;--s1:#b35309;--s2:#1a7f37;--s3:#8250df;--s4:#bf3989;--s5:#0e7c86;--s6:#7a5c00;--s7:#6e7781}
@media (prefers-color-scheme:dark){:root{--page:#12161c;--ink:#e8edf2;--soft:#a3afbb;--rule:#343d47;--on:#12161c;--low:#63adff;--high:#ffa657;
--s0:#63adff;--s1:#ffa657;--s2:#5fd07a;--s3:#c9a6ff;--s4:#ff8fcf;--s5:#5ad4df;--s6:#e3c15a;--s7:#a3afbb}}
svg text{font:11px system-ui,sans-serif;fill:var(--ink)}
svg .strong{fill:var(--on)}svg .tick{fill:var(--soft)}svg .name{fill:var(--soft);font-size:11px}
svg .grid{stroke:var(--rule);stroke-width:1}svg .axis{stroke:var(--soft);stroke-width:1}
svg .zero{stroke:var(--soft);stroke-width:1}svg .limit{stroke:var(--soft);stroke-width:1;stroke-dasharray:4 3}
svg .error{stroke:var(--ink);stroke-width:1.3}svg .bar{fill:var(--s0)}svg .bar.less{fill:var(--s1)}
svg .curve{fill:none;stroke-width:1.8;stroke-linejoin:round}svg .thin{stroke-width:1.2;opacity:.75}
svg .shade{fill:var(--s1);opacity:.3}
svg .low{fill:var(--low)}svg .high{fill:var(--high)}svg .none{fill:none;stroke:var(--rule)}
svg .group{fill:none;stroke:var(--ink);stroke-width:1.2}
svg .curve.s0{stroke:var(--s0)}svg .curve.s1{stroke:var(--s1)}svg .curve.s2{stroke:var(--s2)}svg .curve.s3{stroke:var(--s3)}
svg .curve.s4{stroke:var(--s4)}svg .curve.s5{stroke:var(--s5)}svg .curve.s6{stroke:var(--s6)}svg .curve.s7{stroke:var(--s7)}
svg .dot.s0{fill:var(--s0)}svg .dot.s1{fill:var(--s1)}svg .dot.s2{fill:var(--s2)}svg .dot.s3{fill:var(--s3)}
svg .dot.s4{fill:var(--s4)}svg .dot.s5{fill:var(--s5)}svg .dot.s6{fill:var(--s6)}svg .dot.s7{fill:var(--s7)}
";

/// The rest of the page.
pub const PAGE: &str = "
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main,header,footer,nav{max-width:60rem;margin:0 auto;padding:0 1rem}
h1{font-size:1.7rem;line-height:1.2;margin:1.5rem 0 .3rem;overflow-wrap:anywhere}
h2{font-size:1.25rem;margin:2.5rem 0 .6rem;padding-top:.8rem;border-top:1px solid var(--rule)}
h3{font-size:1.02rem;margin:0}section>h3{margin:1.2rem 0 .2rem}
p{margin:.4rem 0}a{color:var(--s0)}
.skip{position:absolute;left:-999rem}.skip:focus{left:1rem;top:.5rem;background:var(--page);padding:.3rem .6rem}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1rem;list-style:none;padding:0;margin:.8rem 0 0}
.badge{display:inline-block;border:1.5px solid currentColor;border-radius:1rem;padding:0 .7rem;font-weight:600;font-size:.9rem}
.badge.good{color:var(--s2)}.badge.bad{color:var(--s4)}.badge.open{color:var(--s1)}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:.8rem 0}
.facts dt{color:var(--soft)}.facts dd{margin:0;overflow-wrap:anywhere}
.wide{overflow-x:auto;max-width:100%}
.wide:focus-visible,summary:focus-visible,a:focus-visible{outline:2px solid var(--s0);outline-offset:2px}
table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{text-align:left;padding:.25rem .8rem .25rem 0;border-bottom:1px solid var(--rule);vertical-align:top;white-space:nowrap}
th{color:var(--soft);font-weight:600}.n{text-align:right}
td.long{white-space:normal;min-width:20rem;overflow-wrap:anywhere}
figure{margin:1.2rem 0 2rem}figcaption p{color:var(--soft);margin:.1rem 0 .5rem;max-width:46rem}
figure svg[role=img]{display:block;width:100%;min-width:30rem;max-width:48rem;height:auto}
.legend{display:flex;flex-wrap:wrap;gap:.1rem 1rem;list-style:none;padding:0;margin:0 0 .3rem;font-size:.88rem}
.legend svg{margin-right:.35rem}
details{margin:.4rem 0}summary{cursor:pointer;color:var(--soft);padding:.2rem 0}
pre{overflow-x:auto;font:13px/1.45 ui-monospace,monospace;border:1px solid var(--rule);border-radius:.4rem;padding:.7rem}
.more{color:var(--soft);font-size:.88rem}
.error{border-left:4px solid var(--s4);padding:.2rem .8rem;white-space:pre-wrap;overflow-wrap:anywhere}
footer{color:var(--soft);font-size:.88rem;padding-top:2rem;padding-bottom:2rem}
@media print{nav,.skip{display:none}figure svg[role=img]{min-width:0}}
";
