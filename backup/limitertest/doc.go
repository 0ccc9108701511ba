// Package limitertest checks whether a backup.Limiter does what the engine
// expects of it. Whoever shares rates and slots between processes, over a
// database or a cache, writes a Limiter of his own, and a test:
//
//	if err := limitertest.Check(ctx, limiter); err != nil {
//		t.Error(err)
//	}
package limitertest
