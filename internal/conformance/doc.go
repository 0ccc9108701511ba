// Package conformance holds what AWS is documented to do as a table of cases
// that can be put to anything that speaks its protocols.
//
//	for _, c := range conformance.Cases() {
//		result := c.Run(ctx, target)
//		fmt.Println(c, result)
//	}
//
// Each case acts through unmodified SDK clients, makes what it needs itself,
// and depends on no other. The package's tests put the table to the simulated
// AWS in memory, where every case must match, and to moto, an independent
// emulator, where the result must be the recorded one: so each deviation is
// known by name.
//
// "As documented" is all it can say: nobody here has asked AWS.
package conformance
