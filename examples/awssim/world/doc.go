// Package world reads the description of a simulated AWS from a file and
// builds it: accounts with users, roles, keys, volumes and instances, and the
// faults that calls are to meet.
//
// A description is YAML, of which JSON is a subset:
//
//	region: eu-west-1                # of what names none
//	speed: 1000                      # snapshots and copies complete 1000 times sooner
//	accounts:
//	  - id: "111111111111"
//	    organization: o-example
//	    users:
//	      - name: admin
//	        key: {id: AKIAIOSFODNN7EXAMPLE, secret: secret}
//	        policies: [admin]        # or a document, or {file: admin.json}
//	    roles:
//	      - name: backup
//	        trust: {file: trust.json}
//	        policies: [admin]
//	    keys:
//	      - alias: data
//	    instances:
//	      - name: web
//	        tags: {backup: daily}
//	        volumes:
//	          - {device: /dev/sdf, size: 10, key: data, blocks: {0: hello}}
//	faults:
//	  - {operation: CopySnapshot, way: refuse, code: RequestLimitExceeded, status: 503, every: 3}
//
// The fields of Script and of what it holds are all there is. A field that is
// not among them is an error that names its line.
package world
