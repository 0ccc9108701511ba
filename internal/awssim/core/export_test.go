package core

// Remembered counts the things that a Lag holds something of.
func Remembered[T any](l *Lag[T]) int { return len(l.past) }

// Admit asks the request limits alone.
func (c *Cloud) Admit(call *Call, in any) *Error { return c.limiter.admit(call, in) }

// Buckets counts the request buckets that are kept.
func (c *Cloud) Buckets() int { return len(c.limiter.buckets) }

// RatedOperations are those that the table of rates names, by service.
func RatedOperations() map[string][]string {
	named := map[string][]string{}
	for a := range rateIndex {
		if a.operation != "reading" && a.operation != "changing" && a.operation != "other" {
			named[a.service] = append(named[a.service], a.operation)
		}
	}
	return named
}
