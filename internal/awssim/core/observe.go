package core

// Observe adds a function that is called after every call that may have
// changed something and was not refused, whatever became of its answer. It
// runs under the cloud's lock: it may look at the state of services, and must
// make no call.
func (c *Cloud) Observe(look func()) {
	c.observers = append(c.observers, look)
}

// observed tells the observers of a call that has taken effect.
func (c *Cloud) observed(call *Call, in any) {
	if len(c.observers) == 0 || !mutating(call, in) {
		return
	}
	for _, look := range c.observers {
		look()
	}
}
