// Package report draws what became of a run: HTML writes one page that needs
// no network and no script, with a timeline for each site, and Timelines is
// the same as data.
//
//	r, err := engine.Run(ctx, plan, at)
//	…
//	err = report.HTML(file, r)
//
// As data a report is backup.Report itself, which survives JSON; as text it is
// what its String returns. A page can be made of a report that was stored.
//
// Everything on the page is escaped: names and messages come from accounts
// that may be hostile. A page of a large run shows what went wrong first, and
// says how many jobs it leaves out.
package report
