// Package grammar checks policy documents before the simulated AWS stores
// them: what AWS would refuse to store, and the words in which it does.
//
// It checks form, not sense: whether an action exists, or a resource, AWS
// does not ask either.
package grammar
