package ec2sim

// Wildcard and Demands are shown to the tests.
var (
	Wildcard = wildcard
	Demands  = demands
)
