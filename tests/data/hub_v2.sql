BEGIN TRANSACTION;
CREATE TABLE artifacts (
	job_id VARCHAR NOT NULL, 
	type VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	file_id VARCHAR NOT NULL, 
	PRIMARY KEY (job_id, type), 
	FOREIGN KEY(file_id) REFERENCES files (id)
);
INSERT INTO "artifacts" VALUES('jnq1t06yw','JOB_ARTIFACT_TYPE_HUB_LOG','hub.log','f10hccyv9');
INSERT INTO "artifacts" VALUES('jr6pctaeg','JOB_ARTIFACT_TYPE_HUB_LOG','hub.log','fvuxiyy37');
INSERT INTO "artifacts" VALUES('jwr5bdbxq','JOB_ARTIFACT_TYPE_HUB_LOG','hub.log','forpul1gg');
INSERT INTO "artifacts" VALUES('jc0jma461','JOB_ARTIFACT_TYPE_HUB_LOG','hub.log','foeshpcc6');
CREATE TABLE cache (
	"key" VARCHAR NOT NULL, 
	job_id VARCHAR NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "cache" VALUES('019135f2789aa2fc25895b958f8aa0707a5646e8274dbce8c78deab6a9a669af','jnq1t06yw');
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
INSERT INTO "datasets" VALUES(1,'dy9g6r1pt',1,'pp8ix4ea4','images','2026-11-22T12:00:00.013000Z','2026-12-22T12:00:00.013000Z','fubyidv3w');
INSERT INTO "datasets" VALUES(2,'duvo2kfvn',1,'pp8ix4ea4','net outputs','2026-11-22T12:00:00.021000Z','2026-12-22T12:00:00.021000Z','f3tulxlux');
INSERT INTO "datasets" VALUES(3,'dm1da4hk6',1,'pp8ix4ea4','keyed','2026-11-22T12:00:00.033000Z','2026-12-22T12:00:00.033000Z',NULL);
INSERT INTO "datasets" VALUES(4,'dmh8hkpri',2,'pq9om4894','form','2026-11-22T12:00:00.038000Z','2026-12-22T12:00:00.038000Z',NULL);
CREATE TABLE files (
	id VARCHAR NOT NULL, 
	size INTEGER NOT NULL, 
	sha256 VARCHAR, 
	PRIMARY KEY (id)
);
INSERT INTO "files" VALUES('fz2ixgci5',5,'9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4');
INSERT INTO "files" VALUES('f8gnrshe4',15,'e8cb00e858872b119f6fbc4a45cd2aa6678eef5d3b5c7060b1cf6b73f09405e6');
INSERT INTO "files" VALUES('f4fwe0jbs',12,'f89aa7e1200ad4366d9172b322fdfe453c95f599ec52969f576bd5379fd819dc');
INSERT INTO "files" VALUES('f10hccyv9',13,'bc3f7f7fd709c9072c5253f143df0964e4e7c7f8cb7bc80e39858ea9b3d0e2f0');
INSERT INTO "files" VALUES('fvuxiyy37',13,'bc3f7f7fd709c9072c5253f143df0964e4e7c7f8cb7bc80e39858ea9b3d0e2f0');
INSERT INTO "files" VALUES('fubyidv3w',4,'3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7');
INSERT INTO "files" VALUES('f3tulxlux',25,'24e77bef83827f475ee09c279e792a6dc57f3701b451e6abca0aaf2abf073854');
INSERT INTO "files" VALUES('fqtygbit6',12,'f89aa7e1200ad4366d9172b322fdfe453c95f599ec52969f576bd5379fd819dc');
INSERT INTO "files" VALUES('forpul1gg',13,'bc3f7f7fd709c9072c5253f143df0964e4e7c7f8cb7bc80e39858ea9b3d0e2f0');
INSERT INTO "files" VALUES('f7r3w0s00',5,'9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4');
INSERT INTO "files" VALUES('foeshpcc6',212,'df071cce894eb4a7f71fce1aa87eaf8d362699a32b74dd6e03eaf56392aac8a1');
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
INSERT INTO "idempotency" VALUES(1,'/api/v1/datasets/','first','2026-11-22T12:00:00.034000Z','9762af219815b2b69a10c4628ec2721a9a344e95592decf868058bd3fd668cc9',NULL,'{"Location": "/api/v1/datasets/dm1da4hk6/"}','{"id": "dm1da4hk6", "status": "", "creation_time": "2026-11-22T12:00:00.033000Z", "expiration_time": "2026-12-22T12:00:00.033000Z"}');
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
	notices JSON, 
	execution_time INTEGER, 
	peak_memory JSON, 
	UNIQUE (id), 
	FOREIGN KEY(owner_id) REFERENCES users (id), 
	FOREIGN KEY(project_id) REFERENCES projects (id)
);
INSERT INTO "jobs" VALUES(1,'jnq1t06yw',1,'pp8ix4ea4','kept','2026-11-22T12:00:00.005000Z','compile','','{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}','[{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}]','null',NULL,NULL,'JOB_STATE_DONE','2026-11-22T12:00:00.006000Z','2026-11-22T12:00:00.008000Z','2026-11-22T12:00:00.008000Z',1,0,'JOB_FAILURE_TYPE_SUCCESS',NULL,'[{"context": "MODEL", "severity": "INFO", "message": "hm"}]',NULL,NULL);
INSERT INTO "jobs" VALUES(2,'jr6pctaeg',1,'pp8ix4ea4','net','2026-11-22T12:00:00.009000Z','compile','--bad','{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}','[{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}]','null',NULL,NULL,'JOB_STATE_FAILED','2026-11-22T12:00:00.010000Z','2026-11-22T12:00:00.012000Z','2026-11-22T12:00:00.012000Z',1,0,'JOB_FAILURE_TYPE_MODEL_INVALID','--bad is no option.','null',NULL,NULL);
INSERT INTO "jobs" VALUES(3,'jwr5bdbxq',1,'pp8ix4ea4','net','2026-11-22T12:00:00.018000Z','inference','','{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}','null','null',NULL,NULL,'JOB_STATE_DONE','2026-11-22T12:00:00.019000Z','2026-11-22T12:00:00.022000Z','2026-11-22T12:00:00.022000Z',1,0,'JOB_FAILURE_TYPE_SUCCESS',NULL,'[{"context": "MODEL", "severity": "INFO", "message": "hm"}]',NULL,NULL);
INSERT INTO "jobs" VALUES(4,'jc0jma461',2,'pq9om4894','net','2026-11-22T12:00:00.027000Z','compile','','{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}','[{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}]','null',NULL,NULL,'JOB_STATE_DONE','2026-11-22T12:00:00.028000Z','2026-11-22T12:00:00.031000Z','2026-11-22T12:00:00.031000Z',1,0,'JOB_FAILURE_TYPE_SUCCESS',NULL,'[{"context": "MODEL", "severity": "INFO", "message": "hm"}, {"context": "USER", "severity": "INFO", "message": "Served from the cache: this hub has made the same target model before, from the same input, with the same options, for the same chip and with the same tools. Nothing ran for this job."}]',NULL,NULL);
INSERT INTO "jobs" VALUES(5,'j71d4uadi',1,'pp8ix4ea4','net','2026-11-22T12:00:00.041000Z','compile','--slow','{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}','[{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}]','null',NULL,NULL,'JOB_STATE_OPTIMIZING_MODEL','2026-11-22T12:00:00.042000Z',NULL,'2026-11-22T12:00:00.043000Z',1,0,'JOB_FAILURE_TYPE_UNSPECIFIED',NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(6,'j65ukuewy',1,'pp8ix4ea4','net','2026-11-22T12:00:00.044000Z','profile','','{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}','null','null',NULL,NULL,'JOB_STATE_CREATED',NULL,NULL,'2026-11-22T12:00:00.044000Z',0,0,'JOB_FAILURE_TYPE_UNSPECIFIED',NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(7,'jytxqmv1h',1,'pp8ix4ea4','net','2026-11-22T12:00:00.045000Z','compile','--queued','{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}','[{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "abi:aarch64-android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true", "htp-supports-weight-sharing:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}]','null',NULL,NULL,'JOB_STATE_CREATED',NULL,NULL,'2026-11-22T12:00:00.045000Z',0,0,'JOB_FAILURE_TYPE_UNSPECIFIED',NULL,NULL,NULL,NULL);
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
INSERT INTO "models" VALUES(1,'mzjoj7yae',1,'pp8ix4ea4','net','2026-11-22T12:00:00.001000Z','MODEL_TYPE_ONNX',0,'fz2ixgci5',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "models" VALUES(2,'m80ovbrku',1,'pp8ix4ea4','net','2026-11-22T12:00:00.005000Z','MODEL_TYPE_ONNX',0,'f8gnrshe4','jnq1t06yw',1,'[{"name": "x", "tensor_type": {"shape": [1, 3], "dtype": "TENSOR_DTYPE_FLOAT32"}}]','[{"name": "x", "tensor_type": {"shape": [1, 3], "dtype": "TENSOR_DTYPE_FLOAT32"}}]','{"kind": "onnx"}','{"QNN_SDK_VERSION": "2.0"}','f4fwe0jbs');
INSERT INTO "models" VALUES(3,'m8cm0sqjc',1,'pp8ix4ea4','net','2026-11-22T12:00:00.009000Z',NULL,0,NULL,'jr6pctaeg',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "models" VALUES(4,'m2rohc7mu',2,'pq9om4894','net','2026-11-22T12:00:00.023000Z','MODEL_TYPE_ONNX',0,'f7r3w0s00',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "models" VALUES(5,'m9oc37s8v',2,'pq9om4894','net','2026-11-22T12:00:00.027000Z','MODEL_TYPE_ONNX',0,'f8gnrshe4','jc0jma461',1,'[{"name": "x", "tensor_type": {"shape": [1, 3], "dtype": "TENSOR_DTYPE_FLOAT32"}}]','[{"name": "x", "tensor_type": {"shape": [1, 3], "dtype": "TENSOR_DTYPE_FLOAT32"}}]','{"kind": "onnx"}','{"QNN_SDK_VERSION": "2.0"}','f4fwe0jbs');
INSERT INTO "models" VALUES(6,'mtpb780dh',1,'pp8ix4ea4','unfinished','2026-11-22T12:00:00.035000Z','MODEL_TYPE_ONNX',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "models" VALUES(7,'mchde4cf6',1,'pp8ix4ea4','net','2026-11-22T12:00:00.041000Z',NULL,0,NULL,'j71d4uadi',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "models" VALUES(8,'mi9ayflcx',1,'pp8ix4ea4','net','2026-11-22T12:00:00.045000Z',NULL,0,NULL,'jytxqmv1h',NULL,NULL,NULL,NULL,NULL,NULL);
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
INSERT INTO "projects" VALUES('pp8ix4ea4',1,'default');
INSERT INTO "projects" VALUES('pq9om4894',2,'default');
CREATE TABLE results (
	job_id VARCHAR NOT NULL, 
	body JSON NOT NULL, 
	PRIMARY KEY (job_id)
);
INSERT INTO "results" VALUES('jnq1t06yw','{"tool_versions": [{"name": "tool", "version": "1"}]}');
INSERT INTO "results" VALUES('jwr5bdbxq','{}');
INSERT INTO "results" VALUES('jc0jma461','{"tool_versions": [{"name": "tool", "version": "1"}]}');
CREATE TABLE settings (
	name VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "settings" VALUES('schema_version','2');
INSERT INTO "settings" VALUES('secret','0000000000000000000000000000000000000000000000000000000000000000');
CREATE TABLE shares (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	object_id VARCHAR NOT NULL, 
	email VARCHAR NOT NULL, 
	UNIQUE (object_id, email)
);
INSERT INTO "shares" VALUES(1,'jnq1t06yw','bob@example.com');
CREATE TABLE tokens (
	digest VARCHAR NOT NULL, 
	user_id INTEGER NOT NULL, 
	PRIMARY KEY (digest), 
	FOREIGN KEY(user_id) REFERENCES users (id)
);
INSERT INTO "tokens" VALUES('92ba63901405cdae3c83bde1abe474f1d6d4124de3c42b6d25090ab18eaab9cd',1);
INSERT INTO "tokens" VALUES('6bae0362848af71bf9dde2924116bee5375e8a4da437494e3588dfee8b35d0cc',2);
CREATE TABLE uploads (
	id VARCHAR NOT NULL, 
	object_id VARCHAR NOT NULL, 
	created VARCHAR NOT NULL, 
	size INTEGER, 
	part_size INTEGER, 
	PRIMARY KEY (id)
);
INSERT INTO "uploads" VALUES('uviq84dwo','mtpb780dh','2026-11-22T12:00:00.036000Z',10,67108864);
INSERT INTO "uploads" VALUES('ua5zdrpr7','dmh8hkpri','2026-11-22T12:00:00.039000Z',NULL,NULL);
CREATE TABLE users (
	id INTEGER NOT NULL, 
	email VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (email)
);
INSERT INTO "users" VALUES(1,'ada@example.com');
INSERT INTO "users" VALUES(2,'bob@example.com');
CREATE TABLE uses (
	job_id VARCHAR NOT NULL, 
	role VARCHAR NOT NULL, 
	position INTEGER NOT NULL, 
	object_id VARCHAR NOT NULL, 
	PRIMARY KEY (job_id, role, position)
);
INSERT INTO "uses" VALUES('jnq1t06yw','input',0,'mzjoj7yae');
INSERT INTO "uses" VALUES('jnq1t06yw','target',0,'m80ovbrku');
INSERT INTO "uses" VALUES('jr6pctaeg','input',0,'mzjoj7yae');
INSERT INTO "uses" VALUES('jr6pctaeg','target',0,'m8cm0sqjc');
INSERT INTO "uses" VALUES('jwr5bdbxq','input',0,'m80ovbrku');
INSERT INTO "uses" VALUES('jwr5bdbxq','dataset',0,'dy9g6r1pt');
INSERT INTO "uses" VALUES('jwr5bdbxq','output',0,'duvo2kfvn');
INSERT INTO "uses" VALUES('jc0jma461','input',0,'m2rohc7mu');
INSERT INTO "uses" VALUES('jc0jma461','target',0,'m9oc37s8v');
INSERT INTO "uses" VALUES('j71d4uadi','input',0,'mzjoj7yae');
INSERT INTO "uses" VALUES('j71d4uadi','target',0,'mchde4cf6');
INSERT INTO "uses" VALUES('j65ukuewy','input',0,'mchde4cf6');
INSERT INTO "uses" VALUES('jytxqmv1h','input',0,'mzjoj7yae');
INSERT INTO "uses" VALUES('jytxqmv1h','target',0,'mi9ayflcx');
CREATE INDEX files_by_digest ON files (sha256);
CREATE INDEX uses_by_object ON uses (object_id, role);
CREATE INDEX shares_by_email ON shares (email, object_id);
CREATE INDEX ix_uploads_object_id ON uploads (object_id);
CREATE INDEX ix_idempotency_created ON idempotency (created);
CREATE INDEX models_by_file ON models (file_id);
CREATE INDEX models_by_owner ON models (owner_id, seq);
CREATE INDEX models_by_producer ON models (producer_id);
CREATE INDEX datasets_by_owner ON datasets (owner_id, seq);
CREATE INDEX jobs_by_owner ON jobs (owner_id, seq);
CREATE INDEX jobs_by_state ON jobs (state, seq);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('models',8);
INSERT INTO "sqlite_sequence" VALUES('jobs',7);
INSERT INTO "sqlite_sequence" VALUES('datasets',4);
INSERT INTO "sqlite_sequence" VALUES('shares',1);
COMMIT;
