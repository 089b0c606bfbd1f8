package main

// Shapes of the core's documents (core.md).

import "strings"

var docShapes = map[string]*shape{
	"claims.json": parseShape(`{schema:'hallmark/claims/v1',claims:[{id:s,question:u|n,statement:s}]}`),
	"plan.json": parseShape(`{schema:'hallmark/plan/v1',format:i,semantics:i,commitment:h,claim_set:d,declaration:d|n,
		product:{name:s,executable:{path:B,sha256:h}},argv:[s],stdin:s|n,factors:[s],
		runs:[{run:u,kind:'aa'screen'confirm'store'send'certificate'locate',certificate?:'authority'name'expired'}],
		blocks?:[{block:u,phase:'aa'screen'confirm'store'send'certificate'locate',factor:s|n,runs:[i]}],
		feature_version:i,alpha:[i],internet:'closed'simulated'replay'gateway',scenario:d|n,
		profile:'confined'privileged',target:s,time_limit_s:u,
		authorities?:{` + authoritiesShape + `,after:d|n}}`),
	"assessment.json": parseShape(`{schema:'hallmark/assessment/v1',seed:h,kernel:{release:s,machine:s},
		witnesses:{read:[s],send:[s]},
		chamber:{profile:s,internet:s,hostname:s,machine_id:s,address:s,target:s,equal:[s],absent_mounts:[s],self_test:*},
		runs:[{run:u,kind:s,outcome:'exited'signalled'timeout'interrupted',status:i,start_us:i,end_us:i,
			controlled?:{random:i,random_bytes:i,clock:i,execs:i,execs_missed:i,left:i,start_s:i},
			tls?:{accepted:i,refused:i,failed:i,keys_lost:i},address?:s}],
		dropped:[{run:u,rule:s}],held?:[{factor:s,block:u}],sets?:[{run:u,set:u}],
		repeated?:[{block:u,why:s}],resumed?:[{block:u,at_us:u}]}`),
	"declaration.json": parseShape(`{schema:'hallmark/declaration/v1',product:s,author:'supplier'assessor'project',source:s,
		endpoints?:[{name:s,port:u,proto:'tcp'udp'}],writes?:[s],reads?:[s],privileges?:[s],
		listens?:[{port:u,proto:'tcp'udp'}],detects?:{stream:u,line:s},values?:[s],switches?:[s],
		collects?:[{value:'content'md5'sha1'sha224'sha256'sha384'sha512'pyzor'pyzor.signature'name'size',of:'file'part',to?:s}],
		authorities?:{` + authoritiesShape + `}}`),
	"product.json": parseShape(`{schema:'hallmark/product/v1',name:s,purl:s|n,
		supplier:{id:s,name:s,control:{country:s,since:s|n,source:s}|n}|n,
		packages:[{name:s,version:s,arch:s,files:[{path:B,sha256:h,size:u,mode:u,uid:u,gid:u,origin:'package'differs'unlisted'}]}],
		unowned:[{path:B,sha256:h}],definitions:[{name:s,version:s|n,sha256:h}]}`),
}

const (
	authoritiesShape = `arguments:[s],environment:[{name:s,value:s}],files:[{path:s,as:'pem'der'added'keystore'}]`

	fileShape   = `path:B,part:s,sha256:h,size:i,mode:i,role:'document'sample'definitions',marking:s|n,tokens:[s]`
	worldsShape = fileShape + `,uid:i,gid:i,mtime:i,atime:i,xattrs:[{name:s,value:s}],draw:i`
)

var (
	plantedShape1 = parseShape(`{schema:'hallmark/planted/v1',target:s,files:[{` + fileShape + `}]}`)
	plantedShape2 = parseShape(`{schema:'hallmark/planted/v2'hallmark/planted/v3',target:s,sets:[{set:u,phase:'aa'screen',block:u,
		levels:[{factor:s,level:u}],files:[{` + worldsShape + `}],
		mix?:{factor:s,parts:[{document:u,from:u,to:u,draw:u,offset:u|n,length:u|n,of:u|n}]}}],
		things?:[{factor:s,documents:[{document:s,places:u}]}]}`)
	selfTestShape = parseShape(`{result:'passed'failed',rows:[{way:s,kind:'read'send'refuse'state',witnesses:[s],
		result:'seen'denied'missed'unavailable',why:s}]}`)
)

// readDoc reads a document and checks its shape.
func (b *bundle) readDoc(name string) (*value, error) {
	v, err := readJSON(b.part[name])
	if err != nil {
		return nil, &docError{name + ": " + err.Error(), false}
	}
	if v.kind != isObject {
		return nil, &docError{name + ": not an object", false}
	}
	sh := docShapes[name]
	schema := v.str("schema")
	if name == "planted.json" {
		sh = plantedShape1
		if schema == "hallmark/planted/v2" || schema == "hallmark/planted/v3" {
			sh = plantedShape2
		}
	}
	want, known := sh.members["schema"].words, false
	for _, w := range want {
		known = known || schema == w
	}
	if !known {
		return nil, &docError{name + ": schema " + schema + ", and " + want[0] + " was expected", strings.HasPrefix(schema, want[0][:len(want[0])-1])}
	}
	if err := sh.check(v, name); err != nil {
		return nil, &docError{err.Error(), false}
	}
	return v, nil
}

// A document that cannot be taken; newer where its version is one that this program does not know.
type docError struct {
	text  string
	newer bool
}

func (e *docError) Error() string { return e.text }
