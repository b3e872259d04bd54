BEGIN TRANSACTION;
CREATE TABLE artifacts (
	job_id VARCHAR NOT NULL,
	type VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	file_id VARCHAR NOT NULL,
	PRIMARY KEY (job_id, type),
	FOREIGN KEY(file_id) REFERENCES files (id)
);
INSERT INTO "artifacts" VALUES('j6skfb52s','JOB_ARTIFACT_TYPE_HUB_LOG','hub.log','fighz1gfv');
INSERT INTO "artifacts" VALUES('j9n5zpztk','JOB_ARTIFACT_TYPE_HUB_LOG','hub.log','fwrdm070i');
INSERT INTO "artifacts" VALUES('j7ccnkuhw','JOB_ARTIFACT_TYPE_HUB_LOG','hub.log','fsarrhwot');
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
INSERT INTO "datasets" VALUES(1,'dyunc2t1k',1,'pyp4mh25l','images','2026-11-22T21:04:06.519517Z','2026-12-22T21:04:06.519517Z','f1xksn4mm');
INSERT INTO "datasets" VALUES(2,'dpam04bb5',1,'pyp4mh25l','run outputs','2026-11-22T21:04:06.697776Z','2026-12-22T21:04:06.697784Z','fsapc86b6');
CREATE TABLE files (
	id VARCHAR NOT NULL,
	size INTEGER NOT NULL,
	sha256 VARCHAR,
	PRIMARY KEY (id)
);
INSERT INTO "files" VALUES('foc8p0h5f',5,'9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4');
INSERT INTO "files" VALUES('fotk3qbsn',15,'e8cb00e858872b119f6fbc4a45cd2aa6678eef5d3b5c7060b1cf6b73f09405e6');
INSERT INTO "files" VALUES('fighz1gfv',13,'bc3f7f7fd709c9072c5253f143df0964e4e7c7f8cb7bc80e39858ea9b3d0e2f0');
INSERT INTO "files" VALUES('fwrdm070i',13,'bc3f7f7fd709c9072c5253f143df0964e4e7c7f8cb7bc80e39858ea9b3d0e2f0');
INSERT INTO "files" VALUES('f1xksn4mm',4,'3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7');
INSERT INTO "files" VALUES('fsapc86b6',25,'24e77bef83827f475ee09c279e792a6dc57f3701b451e6abca0aaf2abf073854');
INSERT INTO "files" VALUES('fsarrhwot',13,'bc3f7f7fd709c9072c5253f143df0964e4e7c7f8cb7bc80e39858ea9b3d0e2f0');
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
	notices JSON,
	execution_time INTEGER,
	peak_memory JSON,
	UNIQUE (id),
	FOREIGN KEY(owner_id) REFERENCES users (id),
	FOREIGN KEY(project_id) REFERENCES projects (id)
);
INSERT INTO "jobs" VALUES(1,'j6skfb52s',1,'pyp4mh25l','kept','2026-11-22T21:04:06.386504Z','compile','--target_runtime onnx','{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}','[{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}]','null',NULL,NULL,'JOB_STATE_DONE','2026-11-22T21:04:06.398958Z','2026-11-22T21:04:06.436984Z','2026-11-22T21:04:06.436984Z',1,0,'JOB_FAILURE_TYPE_SUCCESS',NULL,'[{"context": "MODEL", "severity": "INFO", "message": "hm"}]',NULL,NULL);
INSERT INTO "jobs" VALUES(2,'j9n5zpztk',1,'pyp4mh25l','failed','2026-11-22T21:04:06.470249Z','compile','--bad','{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}','[{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}]','null',NULL,NULL,'JOB_STATE_FAILED','2026-11-22T21:04:06.482592Z','2026-11-22T21:04:06.495413Z','2026-11-22T21:04:06.495413Z',1,0,'JOB_FAILURE_TYPE_MODEL_INVALID','--bad is no option.','null',NULL,NULL);
INSERT INTO "jobs" VALUES(3,'j7ccnkuhw',1,'pyp4mh25l','run','2026-11-22T21:04:06.666822Z','inference','','{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}','null','null',NULL,NULL,'JOB_STATE_DONE','2026-11-22T21:04:06.694439Z','2026-11-22T21:04:06.709139Z','2026-11-22T21:04:06.709139Z',1,0,'JOB_FAILURE_TYPE_SUCCESS',NULL,'[{"context": "MODEL", "severity": "INFO", "message": "hm"}]',NULL,NULL);
INSERT INTO "jobs" VALUES(4,'jdl6hgye4',1,'pyp4mh25l','queued','2026-11-22T21:04:06.752181Z','compile','','{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}','[{"name": "Samsung Galaxy S24", "os": "14", "attributes": ["vendor:samsung", "os:android", "format:phone", "chipset:qualcomm-snapdragon-8gen3", "chipset:sm8650", "hexagon:v75", "soc-model:57", "framework:onnx", "framework:qnn", "framework:tflite", "htp-supports-fp16:true"], "soc_description": "Snapdragon\u00ae 8 Gen 3 Mobile"}]','null',NULL,NULL,'JOB_STATE_CREATED',NULL,NULL,'2026-11-22T21:04:06.914306Z',1,0,'JOB_FAILURE_TYPE_UNSPECIFIED',NULL,NULL,NULL,NULL);
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
	UNIQUE (id),
	FOREIGN KEY(owner_id) REFERENCES users (id),
	FOREIGN KEY(project_id) REFERENCES projects (id),
	FOREIGN KEY(file_id) REFERENCES files (id)
);
INSERT INTO "models" VALUES(1,'mrebgtoll',1,'pyp4mh25l','net','2026-11-22T21:04:06.246509Z','MODEL_TYPE_ONNX',0,'foc8p0h5f',NULL,NULL,NULL,NULL);
INSERT INTO "models" VALUES(2,'maie8sbs8',1,'pyp4mh25l','kept','2026-11-22T21:04:06.386504Z','MODEL_TYPE_ONNX',0,'fotk3qbsn','j6skfb52s',1,'[{"name": "x", "tensor_type": {"shape": [1, 3], "dtype": "TENSOR_DTYPE_FLOAT32"}}]','[{"name": "x", "tensor_type": {"shape": [1, 3], "dtype": "TENSOR_DTYPE_FLOAT32"}}]');
INSERT INTO "models" VALUES(3,'mg34izjl9',1,'pyp4mh25l','failed','2026-11-22T21:04:06.470249Z',NULL,0,NULL,'j9n5zpztk',NULL,NULL,NULL);
INSERT INTO "models" VALUES(4,'mpgxq5vxk',1,'pyp4mh25l','half','2026-11-22T21:04:06.733115Z','MODEL_TYPE_ONNX',0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "models" VALUES(5,'mqdmpuqqh',1,'pyp4mh25l','queued','2026-11-22T21:04:06.752181Z',NULL,0,NULL,'jdl6hgye4',NULL,NULL,NULL);
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
INSERT INTO "projects" VALUES('pyp4mh25l',1,'default');
INSERT INTO "projects" VALUES('pafp52ixa',2,'default');
CREATE TABLE results (
	job_id VARCHAR NOT NULL,
	body JSON NOT NULL,
	PRIMARY KEY (job_id)
);
INSERT INTO "results" VALUES('j6skfb52s','{"tool_versions": [{"name": "tool", "version": "1"}]}');
INSERT INTO "results" VALUES('j7ccnkuhw','{}');
CREATE TABLE settings (
	name VARCHAR NOT NULL,
	value VARCHAR NOT NULL,
	PRIMARY KEY (name)
);
INSERT INTO "settings" VALUES('schema_version','1');
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
CREATE TABLE uploads (
	id VARCHAR NOT NULL,
	object_id VARCHAR NOT NULL,
	created VARCHAR NOT NULL,
	size INTEGER,
	part_size INTEGER,
	PRIMARY KEY (id)
);
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
INSERT INTO "uses" VALUES('j6skfb52s','input',0,'mrebgtoll');
INSERT INTO "uses" VALUES('j6skfb52s','target',0,'maie8sbs8');
INSERT INTO "uses" VALUES('j9n5zpztk','input',0,'mrebgtoll');
INSERT INTO "uses" VALUES('j9n5zpztk','target',0,'mg34izjl9');
INSERT INTO "uses" VALUES('j7ccnkuhw','input',0,'maie8sbs8');
INSERT INTO "uses" VALUES('j7ccnkuhw','dataset',0,'dyunc2t1k');
INSERT INTO "uses" VALUES('j7ccnkuhw','output',0,'dpam04bb5');
INSERT INTO "uses" VALUES('jdl6hgye4','input',0,'mrebgtoll');
INSERT INTO "uses" VALUES('jdl6hgye4','target',0,'mqdmpuqqh');
CREATE INDEX uses_by_object ON uses (object_id, role);
CREATE INDEX shares_by_email ON shares (email, object_id);
CREATE INDEX ix_uploads_object_id ON uploads (object_id);
CREATE INDEX ix_idempotency_created ON idempotency (created);
CREATE INDEX models_by_producer ON models (producer_id);
CREATE INDEX models_by_owner ON models (owner_id, seq);
CREATE INDEX datasets_by_owner ON datasets (owner_id, seq);
CREATE INDEX jobs_by_state ON jobs (state, seq);
CREATE INDEX jobs_by_owner ON jobs (owner_id, seq);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('models',5);
INSERT INTO "sqlite_sequence" VALUES('jobs',4);
INSERT INTO "sqlite_sequence" VALUES('datasets',2);
COMMIT;