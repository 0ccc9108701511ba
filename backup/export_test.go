package backup

// Remembered counts what the engine keeps in memory: points of lost answers, listings, runs of its own.
func (e *Engine) Remembered() [3]int { return [3]int{len(e.lost), len(e.sights), len(e.own)} }
