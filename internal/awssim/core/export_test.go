package core

// Remembered counts the things that a Lag holds something of.
func Remembered[T any](l *Lag[T]) int { return len(l.past) }
