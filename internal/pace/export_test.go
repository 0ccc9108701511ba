package pace

// Buckets returns how many buckets the Pacer holds.
func (p *Pacer) Buckets() int { return len(p.buckets) }
