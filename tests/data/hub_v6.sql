BEGIN TRANSACTION;
CREATE TABLE artifacts (
	job_id VARCHAR NOT NULL, 
	type VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	file_id VARCHAR NOT NULL, 
	PRIMARY KEY (job_id, type), 
	FOREIGN KEY(file_id) REFERENCES files (id)
);
INSERT INTO "artifacts" VALUES('j03ax6b9v','JOB_ARTIFACT_TYPE_HUB_LOG','hub.log','fdpcy5qa4');
INSERT INTO "artifacts" VALUES('jk3n09080','JOB_ARTIFACT_TYPE_HUB_LOG','hub.log','f1cvghy4e');
INSERT INTO "artifacts" VALUES('jkte47z27','JOB_ARTIFACT_TYPE_HUB_LOG','hub.log','f3etn4zf0');
CREATE TABLE datasets (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR NOT NULL, 
	owner_id INTEGER NOT NULL, 
	project_id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	created VARCHAR NOT NULL, 
	expires VARCHAR, 
	file_id VARCHAR, 
	UNIQUE (id), 
	FOREIGN KEY(owner_id) REFERENCES users (id), 
	FOREIGN KEY(project_id) REFERENCES projects (id), 
	FOREIGN KEY(file_id) REFERENCES files (id)
);
CREATE TABLE ended_jobs (
	owner_id INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	number INTEGER NOT NULL, 
	PRIMARY KEY (owner_id, kind, state), 
	FOREIGN KEY(owner_id) REFERENCES users (id)
);
INSERT INTO "ended_jobs" VALUES(1,'compile','JOB_STATE_DONE',1);
INSERT INTO "ended_jobs" VALUES(1,'compile','JOB_STATE_FAILED',2);
INSERT INTO "ended_jobs" VALUES(1,'profile','JOB_STATE_FAILED',1);
INSERT INTO "ended_jobs" VALUES(2,'compile','JOB_STATE_DONE',1);
INSERT INTO "ended_jobs" VALUES(2,'profile','JOB_STATE_FAILED',1);
CREATE TABLE files (
	id VARCHAR NOT NULL, 
	size INTEGER NOT NULL, 
	sha256 VARCHAR, 
	PRIMARY KEY (id)
);
INSERT INTO "files" VALUES('f10cy9lkw',5,'9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4');
INSERT INTO "files" VALUES('fsk37kvv2',15,'e8cb00e858872b119f6fbc4a45cd2aa6678eef5d3b5c7060b1cf6b73f09405e6');
INSERT INTO "files" VALUES('fdpcy5qa4',13,'bc3f7f7fd709c9072c5253f143df0964e4e7c7f8cb7bc80e39858ea9b3d0e2f0');
INSERT INTO "files" VALUES('fmprpletv',5,'9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4');
INSERT INTO "files" VALUES('f1cvghy4e',212,'dd872d4c7c65c4e3b24d23c019acbfc83fdde9de9b39bc1b1c3be8f9703e7ecc');
INSERT INTO "files" VALUES('f3etn4zf0',13,'bc3f7f7fd709c9072c5253f143df0964e4e7c7f8cb7bc80e39858ea9b3d0e2f0');
INSERT INTO "files" VALUES('fretm2j9k',176,'24c1a6304b409cef0acab99d73809d6e96d33ee193b14771ef6287f667d86778');
INSERT INTO "files" VALUES('f5nlj1zif',176,'38a44943ba32d0de238b0899cb3e33a9d535832cebc14d1580ba4719745a3f30');
INSERT INTO "files" VALUES('fr2dpon5y',238,'3f92f319b14b9273266902eb643daf87649c5052cb5d9f631004c3f48a471135');
CREATE TABLE idempotency (
	user_id INTEGER NOT NULL, 
	path VARCHAR NOT NULL, 
	"key" VARCHAR NOT NULL, 
	created VARCHAR NOT NULL, 
	body_digest VARCHAR NOT NULL, 
	status INTEGER, 
	headers JSON NOT NULL, 
	answer JSON, 
	PRIMARY KEY (user_id, path, "key"), 
	FOREIGN KEY(user_id) REFERENCES users (id)
);
CREATE TABLE jobs (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR NOT NULL, 
	owner_id INTEGER NOT NULL, 
	project_id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	created VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	options VARCHAR NOT NULL, 
	device JSON, 
	devices JSON, 
	input_specs JSON, 
	weights_dtype VARCHAR, 
	activations_dtype VARCHAR, 
	state VARCHAR NOT NULL, 
	started VARCHAR, 
	completed VARCHAR, 
	updated VARCHAR NOT NULL, 
	attempt INTEGER NOT NULL, 
	losses INTEGER NOT NULL, 
	failure_type VARCHAR NOT NULL, 
	failure_reason VARCHAR, 
	cause_id VARCHAR, 
	notices JSON, 
	execution_time INTEGER, 
	peak_memory JSON, 
	ready BOOLEAN DEFAULT 0 NOT NULL, node_id VARCHAR, lease INTEGER, needs VARCHAR DEFAULT '' NOT NULL, 
	UNIQUE (id), 
	FOREIGN KEY(owner_id) REFERENCES users (id), 
	FOREIGN KEY(project_id) REFERENCES projects (id)
);
INSERT INTO "jobs" VALUES(1,'j03ax6b9v',1,'py4ca87vk','done','2026-11-28T20:06:13.826918Z','compile','','{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}','[{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}]','null',NULL,NULL,'JOB_STATE_DONE','2026-11-28T20:06:13.841037Z','2026-11-28T20:06:13.863933Z','2026-11-28T20:06:13.863933Z',1,0,'JOB_FAILURE_TYPE_SUCCESS',NULL,NULL,'[{"context": "MODEL", "severity": "INFO", "message": "hm"}]',NULL,NULL,0,NULL,NULL,'qnn');
INSERT INTO "jobs" VALUES(2,'jk3n09080',2,'p7v62dm8l','served','2026-11-28T20:06:13.949712Z','compile','','{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}','[{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}]','null',NULL,NULL,'JOB_STATE_DONE','2026-11-28T20:06:13.953064Z','2026-11-28T20:06:13.972633Z','2026-11-28T20:06:13.972633Z',1,0,'JOB_FAILURE_TYPE_SUCCESS',NULL,NULL,'[{"context": "MODEL", "severity": "INFO", "message": "hm"}, {"context": "USER", "severity": "INFO", "message": "Served from the cache: this hub has made the same target model before, from the same input, with the same options, for the same chip and with the same tools. Nothing ran for this job."}]',NULL,NULL,0,NULL,NULL,'');
INSERT INTO "jobs" VALUES(3,'jkte47z27',1,'py4ca87vk','bad','2026-11-28T20:06:13.980705Z','compile','--bad','{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}','[{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}]','null',NULL,NULL,'JOB_STATE_FAILED','2026-11-28T20:06:13.983326Z','2026-11-28T20:06:14.039994Z','2026-11-28T20:06:14.039994Z',1,0,'JOB_FAILURE_TYPE_MODEL_INVALID','Ada''s secret reason.',NULL,'null',NULL,NULL,0,NULL,NULL,'');
INSERT INTO "jobs" VALUES(4,'jvrnudzca',1,'py4ca87vk','second','2026-11-28T20:06:14.001928Z','compile','','{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}','[{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}]','null',NULL,NULL,'JOB_STATE_FAILED','2026-11-28T20:06:14.051774Z','2026-11-28T20:06:14.051774Z','2026-11-28T20:06:14.051774Z',0,0,'JOB_FAILURE_TYPE_RUNTIME_FAILED_DEPENDENCY','A model that this job needs was not made: the job jkte47z27 failed.','jkte47z27','null',NULL,NULL,0,NULL,NULL,'');
INSERT INTO "jobs" VALUES(5,'jzkhvja9o',1,'py4ca87vk','third','2026-11-28T20:06:14.011993Z','profile','','{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}','null','null',NULL,NULL,'JOB_STATE_FAILED','2026-11-28T20:06:14.055842Z','2026-11-28T20:06:14.055842Z','2026-11-28T20:06:14.055842Z',0,0,'JOB_FAILURE_TYPE_RUNTIME_FAILED_DEPENDENCY','A model that this job needs was not made: the job jkte47z27 failed.','jkte47z27','null',NULL,NULL,0,NULL,NULL,'');
INSERT INTO "jobs" VALUES(6,'juwfx8xdd',2,'p7v62dm8l','Bob''s run','2026-11-28T20:06:14.032454Z','profile','','{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}','null','null',NULL,NULL,'JOB_STATE_FAILED','2026-11-28T20:06:14.049150Z','2026-11-28T20:06:14.049150Z','2026-11-28T20:06:14.049150Z',0,0,'JOB_FAILURE_TYPE_RUNTIME_FAILED_DEPENDENCY','A model that this job needs was not made: the job jkte47z27 failed.','jkte47z27','null',NULL,NULL,0,NULL,NULL,'');
CREATE TABLE makers (
	"key" VARCHAR NOT NULL, 
	owner_id INTEGER NOT NULL, 
	job_id VARCHAR NOT NULL, 
	PRIMARY KEY ("key", owner_id), 
	FOREIGN KEY(owner_id) REFERENCES users (id)
);
INSERT INTO "makers" VALUES('019135f2789aa2fc25895b958f8aa0707a5646e8274dbce8c78deab6a9a669af',1,'j03ax6b9v');
CREATE TABLE models (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR NOT NULL, 
	owner_id INTEGER NOT NULL, 
	project_id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	created VARCHAR NOT NULL, 
	model_type VARCHAR, 
	is_directory BOOLEAN NOT NULL, 
	file_id VARCHAR, 
	producer_id VARCHAR, 
	producer_attempt INTEGER, 
	input_spec JSON, 
	output_spec JSON, 
	provenance JSON, 
	metadata JSON, 
	source_id VARCHAR, 
	UNIQUE (id), 
	FOREIGN KEY(owner_id) REFERENCES users (id), 
	FOREIGN KEY(project_id) REFERENCES projects (id), 
	FOREIGN KEY(file_id) REFERENCES files (id), 
	FOREIGN KEY(source_id) REFERENCES files (id)
);
INSERT INTO "models" VALUES(1,'m0z73yh5r',1,'py4ca87vk','Ada''s net','2026-11-28T20:06:13.736134Z','MODEL_TYPE_ONNX',0,'f10cy9lkw',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "models" VALUES(2,'musw05vgt',1,'py4ca87vk','done','2026-11-28T20:06:13.826918Z','MODEL_TYPE_ONNX',0,'fsk37kvv2','j03ax6b9v',1,'[{"name": "x", "tensor_type": {"shape": [1, 3], "dtype": "TENSOR_DTYPE_FLOAT32"}}]','[{"name": "x", "tensor_type": {"shape": [1, 3], "dtype": "TENSOR_DTYPE_FLOAT32"}}]',NULL,NULL,NULL);
INSERT INTO "models" VALUES(3,'mo4u0gedx',2,'p7v62dm8l','Bob''s net','2026-11-28T20:06:13.873018Z','MODEL_TYPE_ONNX',0,'fmprpletv',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "models" VALUES(4,'mchi9ho74',2,'p7v62dm8l','served','2026-11-28T20:06:13.949712Z','MODEL_TYPE_ONNX',0,'fsk37kvv2','jk3n09080',1,'[{"name": "x", "tensor_type": {"shape": [1, 3], "dtype": "TENSOR_DTYPE_FLOAT32"}}]','[{"name": "x", "tensor_type": {"shape": [1, 3], "dtype": "TENSOR_DTYPE_FLOAT32"}}]',NULL,NULL,NULL);
INSERT INTO "models" VALUES(5,'mp484bys1',1,'py4ca87vk','bad','2026-11-28T20:06:13.980705Z',NULL,0,NULL,'jkte47z27',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "models" VALUES(6,'mm2n4ruuo',1,'py4ca87vk','second','2026-11-28T20:06:14.001928Z',NULL,0,NULL,'jvrnudzca',NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE nodes (
	id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	role VARCHAR NOT NULL, 
	version VARCHAR NOT NULL, 
	slots INTEGER NOT NULL, 
	draining BOOLEAN DEFAULT 0 NOT NULL, 
	started VARCHAR NOT NULL, 
	seen INTEGER NOT NULL, labels VARCHAR DEFAULT '' NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "nodes" VALUES('nabc','hub:1','worker','0.56.0',2,0,'2026-11-28T20:06:13.826918Z',1795000000000000,'');
CREATE TABLE parts (
	upload_id VARCHAR NOT NULL, 
	number INTEGER NOT NULL, 
	size INTEGER NOT NULL, 
	sha256 VARCHAR NOT NULL, 
	PRIMARY KEY (upload_id, number), 
	FOREIGN KEY(upload_id) REFERENCES uploads (id) ON DELETE CASCADE
);
CREATE TABLE projects (
	id VARCHAR NOT NULL, 
	owner_id INTEGER NOT NULL, 
	slug VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (owner_id), 
	FOREIGN KEY(owner_id) REFERENCES users (id)
);
INSERT INTO "projects" VALUES('py4ca87vk',1,'default');
INSERT INTO "projects" VALUES('p7v62dm8l',2,'default');
INSERT INTO "projects" VALUES('p3dov3w97',3,'default');
CREATE TABLE results (
	job_id VARCHAR NOT NULL, 
	body JSON NOT NULL, 
	PRIMARY KEY (job_id)
);
INSERT INTO "results" VALUES('j03ax6b9v','{"tool_versions": [{"name": "tool", "version": "1"}]}');
INSERT INTO "results" VALUES('jk3n09080','{"tool_versions": [{"name": "tool", "version": "1"}]}');
CREATE TABLE settings (
	name VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "settings" VALUES('schema_version','6');
INSERT INTO "settings" VALUES('secret','0000000000000000000000000000000000000000000000000000000000000000');
CREATE TABLE shares (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	object_id VARCHAR NOT NULL, 
	email VARCHAR NOT NULL, 
	UNIQUE (object_id, email)
);
CREATE TABLE tokens (
	digest VARCHAR NOT NULL, 
	user_id INTEGER NOT NULL, 
	PRIMARY KEY (digest), 
	FOREIGN KEY(user_id) REFERENCES users (id)
);
INSERT INTO "tokens" VALUES('92ba63901405cdae3c83bde1abe474f1d6d4124de3c42b6d25090ab18eaab9cd',1);
INSERT INTO "tokens" VALUES('6bae0362848af71bf9dde2924116bee5375e8a4da437494e3588dfee8b35d0cc',2);
INSERT INTO "tokens" VALUES('bdbb83a9d3b95b35c07a35de33dfb188e45db72c033d0061e99d9adef148fcd4',3);
CREATE TABLE uploads (
	id VARCHAR NOT NULL, 
	object_id VARCHAR NOT NULL, 
	created VARCHAR NOT NULL, 
	size INTEGER, 
	part_size INTEGER, 
	owner_id INTEGER, 
	PRIMARY KEY (id), 
	FOREIGN KEY(owner_id) REFERENCES users (id)
);
CREATE TABLE users (
	id INTEGER NOT NULL, 
	email VARCHAR NOT NULL, 
	origin VARCHAR DEFAULT 'start' NOT NULL, 
	active BOOLEAN DEFAULT 1 NOT NULL, turn INTEGER DEFAULT '0' NOT NULL, priority INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (email)
);
INSERT INTO "users" VALUES(1,'ada@example.com','start',1,0,0);
INSERT INTO "users" VALUES(2,'bob@example.com','start',1,3,5);
INSERT INTO "users" VALUES(3,'eve@example.com','start',1,0,0);
CREATE TABLE uses (
	job_id VARCHAR NOT NULL, 
	role VARCHAR NOT NULL, 
	position INTEGER NOT NULL, 
	object_id VARCHAR NOT NULL, 
	PRIMARY KEY (job_id, role, position)
);
INSERT INTO "uses" VALUES('j03ax6b9v','input',0,'m0z73yh5r');
INSERT INTO "uses" VALUES('j03ax6b9v','target',0,'musw05vgt');
INSERT INTO "uses" VALUES('jk3n09080','input',0,'mo4u0gedx');
INSERT INTO "uses" VALUES('jk3n09080','target',0,'mchi9ho74');
INSERT INTO "uses" VALUES('jkte47z27','input',0,'m0z73yh5r');
INSERT INTO "uses" VALUES('jkte47z27','target',0,'mp484bys1');
INSERT INTO "uses" VALUES('jvrnudzca','input',0,'mp484bys1');
INSERT INTO "uses" VALUES('jvrnudzca','target',0,'mm2n4ruuo');
INSERT INTO "uses" VALUES('jzkhvja9o','input',0,'mm2n4ruuo');
INSERT INTO "uses" VALUES('juwfx8xdd','input',0,'mp484bys1');
CREATE INDEX files_by_digest ON files (sha256);
CREATE INDEX uses_by_object ON uses (object_id, role);
CREATE INDEX shares_by_email ON shares (email, object_id);
CREATE INDEX makers_by_job ON makers (job_id);
CREATE INDEX artifacts_by_file ON artifacts (file_id);
CREATE INDEX ix_uploads_object_id ON uploads (object_id);
CREATE INDEX uploads_by_owner ON uploads (owner_id, created);
CREATE INDEX ix_idempotency_created ON idempotency (created);
CREATE INDEX models_by_owner ON models (owner_id, seq);
CREATE INDEX models_by_source ON models (source_id);
CREATE INDEX models_by_file ON models (file_id);
CREATE INDEX models_by_producer ON models (producer_id);
CREATE INDEX datasets_by_file ON datasets (file_id);
CREATE INDEX datasets_by_owner ON datasets (owner_id, seq);
CREATE INDEX jobs_by_owner ON jobs (owner_id, seq);
CREATE INDEX jobs_by_state ON jobs (owner_id, state, kind, seq);
CREATE INDEX jobs_by_lease ON jobs (lease);
CREATE INDEX jobs_by_turn ON jobs (owner_id, state, ready, needs, seq);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('shares',0);
INSERT INTO "sqlite_sequence" VALUES('models',6);
INSERT INTO "sqlite_sequence" VALUES('datasets',0);
INSERT INTO "sqlite_sequence" VALUES('jobs',6);
COMMIT;
