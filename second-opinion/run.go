package main

type run struct {
	n            int
	sum, treeSum *recordSummary
	packets      *packetFile
}

func newRun(n int) *run               { return &run{n: n} }
func (r *run) take(e *event)          {}
func (r *run) takeEntry(t *treeEntry) {}

func (v *verification) checkFindings() { v.say("findings", taken, "todo") }
