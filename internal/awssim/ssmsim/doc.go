// Package ssmsim simulates the part of AWS Systems Manager that runs scripts
// on instances: Run Command, the documents it runs, the list of managed
// instances, and the public parameters that name Amazon's own images.
//
// An instance of EC2 is managed once it has an Agent:
//
//	cloud.SSM().SetAgent(ref, ssmsim.Agent{Run: func(s ssmsim.Script) ssmsim.Outcome {
//		return ssmsim.Outcome{Stdout: "frozen", Duration: 2 * time.Second}
//	}})
//
// Commands take their time: they are delivered after a while, run, and end,
// and what a client sees is worked out when it looks. A script is run when
// somebody looks after its time has come, and is told that time.
package ssmsim
