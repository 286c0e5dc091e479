//! A Google Cloud Storage in memory: as much of its XML interface as clients of
//! buckets use, over HTTP on this machine. It can also answer as a bad day would.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// What may go wrong with a request.
#[allow(dead_code, reason = "not every suite wants it")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is refused (503), and nothing is done.
    Refused,
    /// It is done, and the answer is lost.
    Lost,
    /// Half of the answer comes, then the connection ends.
    Cut,
}

/// A running server; its threads end with the process.
pub struct Gcs {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    bucket: Mutex<Bucket>,
    requests: AtomicUsize,
    /// Bytes of objects that were sent.
    sent: AtomicUsize,
    /// Every so many requests, this.
    fault: Mutex<Option<(usize, Fault)>>,
    /// How the last request said who sent it.
    login: Mutex<Option<String>>,
}

#[derive(Default)]
struct Bucket {
    /// By bucket and name, with a slash between.
    objects: BTreeMap<String, Object>,
    uploads: HashMap<String, BTreeMap<usize, Vec<u8>>>,
    generation: u64,
}

#[derive(Clone)]
struct Object {
    bytes: Vec<u8>,
    generation: u64,
}

/// A request, as it was read.
pub struct Request {
    pub method: String,
    /// Without the slash before it: bucket and name.
    pub path: String,
    pub query: HashMap<String, String>,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

struct Response {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Gcs {
    /// Starts a server on a free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let serving = shared.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let shared = serving.clone();
                std::thread::spawn(move || serve(connection, &shared));
            }
        });
        Self { address, shared }
    }

    /// The key file of a service account that clients reach this server with.
    pub fn service_account(&self) -> String {
        format!(
            "{{\"gcs_base_url\": \"http://{}\", \"disable_oauth\": true, \"client_email\": \"\", \
             \"private_key\": \"\", \"private_key_id\": \"\"}}",
            self.address
        )
    }

    /// Where the server is.
    #[allow(dead_code, reason = "not every suite asks")]
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How the last request said who sent it.
    #[allow(dead_code, reason = "not every suite asks")]
    pub fn login(&self) -> Option<String> {
        lock(&self.shared.login).clone()
    }

    /// From now on every `n`th request goes wrong; 0: none.
    #[allow(dead_code, reason = "not every suite wants it")]
    pub fn fail_every(&self, n: usize, fault: Fault) {
        *lock(&self.shared.fault) = (n > 0).then_some((n, fault));
    }

    /// Puts an object there; its name comes after its bucket.
    #[allow(dead_code, reason = "not every suite wants it")]
    pub fn put(&self, path: &str, bytes: Vec<u8>) {
        lock(&self.shared.bucket).put(path, bytes);
    }

    /// The bytes of an object.
    #[allow(dead_code, reason = "not every suite asks")]
    pub fn get(&self, path: &str) -> Option<Vec<u8>> {
        let bucket = lock(&self.shared.bucket);
        bucket.objects.get(path).map(|object| object.bytes.clone())
    }

    /// Removes an object.
    #[allow(dead_code, reason = "not every suite wants it")]
    pub fn remove(&self, path: &str) {
        lock(&self.shared.bucket).objects.remove(path);
    }

    /// Bytes of objects that were sent so far.
    #[allow(dead_code, reason = "not every suite asks")]
    pub fn sent(&self) -> usize {
        self.shared.sent.load(Ordering::SeqCst)
    }

    /// The names of all objects, after their bucket.
    #[allow(dead_code, reason = "not every suite asks")]
    pub fn names(&self) -> Vec<String> {
        lock(&self.shared.bucket).objects.keys().cloned().collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Answers the requests of a connection until it closes.
fn serve(connection: TcpStream, shared: &Shared) {
    let _ = connection.set_nodelay(true);
    let Ok(mut writer) = connection.try_clone() else {
        return;
    };
    let mut reader = BufReader::new(connection);
    while let Some(request) = read(&mut reader) {
        *lock(&shared.login) = request.headers.get("authorization").cloned();
        let number = shared.requests.fetch_add(1, Ordering::SeqCst) + 1;
        let fault = *lock(&shared.fault);
        let fault = fault
            .filter(|(n, _)| number.is_multiple_of(*n))
            .map(|(_, fault)| fault);
        let response = match fault {
            Some(Fault::Refused) => Response::new(503),
            _ => lock(&shared.bucket).answer(&request),
        };
        if fault == Some(Fault::Lost) {
            let _ = writer.shutdown(std::net::Shutdown::Both);
            return;
        }
        let mut head = format!("HTTP/1.1 {} x\r\n", response.status);
        let length = ("Content-Length", response.body.len().to_string());
        for (name, value) in response.headers.iter().chain([&length]) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        if request.method != "HEAD" {
            shared.sent.fetch_add(response.body.len(), Ordering::SeqCst);
            bytes.extend(response.body);
        }
        if fault == Some(Fault::Cut) {
            bytes.truncate(bytes.len() / 2);
            let _ = writer.write_all(&bytes);
            let _ = writer.shutdown(std::net::Shutdown::Both);
            return;
        }
        if writer.write_all(&bytes).is_err() {
            return;
        }
    }
}

/// The next request; `None` where there is none.
pub fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(Some(0), |text| text.parse().ok())?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let query = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    Some(Request {
        method,
        path: decoded(path.strip_prefix('/').unwrap_or(path)),
        query: query
            .map(|(name, value)| (decoded(name), decoded(&value.replace('+', " "))))
            .collect(),
        headers,
        body,
    })
}

/// Without percent signs.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        let code = (*first == b'%').then(|| more.get(..2)).flatten();
        let code =
            code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &more[2..] } else { more };
    }
    String::from_utf8(bytes).unwrap()
}

/// A text within XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

impl Response {
    fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    fn xml(text: String) -> Self {
        Self {
            headers: vec![("Content-Type", "application/xml".to_owned())],
            body: text.into_bytes(),
            ..Self::new(200)
        }
    }

    fn about(mut self, object: &Object) -> Self {
        self.headers.extend([
            ("ETag", format!("\"{}\"", object.generation)),
            ("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT".to_owned()),
            ("x-goog-generation", object.generation.to_string()),
        ]);
        self
    }
}

impl Bucket {
    fn answer(&mut self, request: &Request) -> Response {
        let upload = request.query.get("uploadId");
        let (bucket, name) = request.path.split_once('/').unwrap_or((&request.path, ""));
        match (request.method.as_str(), upload) {
            ("GET", None) if name.is_empty() => self.list(bucket, &request.query),
            ("POST", None) => {
                let id = format!("upload-{}", self.uploads.len());
                self.uploads.insert(id.clone(), BTreeMap::new());
                Response::xml(format!(
                    "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                ))
            }
            ("PUT", Some(id)) => {
                let number = request
                    .query
                    .get("partNumber")
                    .and_then(|text| text.parse().ok());
                let (Some(parts), Some(number)) = (self.uploads.get_mut(id), number) else {
                    return Response::new(404);
                };
                parts.insert(number, request.body.clone());
                Response {
                    headers: vec![("ETag", format!("\"part-{number}\""))],
                    ..Response::new(200)
                }
            }
            ("POST", Some(id)) => {
                let Some(parts) = self.uploads.get_mut(id).map(std::mem::take) else {
                    return Response::new(404);
                };
                let object = self.put(&request.path, parts.into_values().flatten().collect());
                let xml = format!(
                    "<CompleteMultipartUploadResult><ETag>{}</ETag></CompleteMultipartUploadResult>",
                    object.generation
                );
                Response::xml(xml).about(&object)
            }
            ("DELETE", Some(id)) => {
                self.uploads.remove(id);
                Response::new(204)
            }
            ("PUT", None) => self.put_if(request),
            ("GET" | "HEAD", None) => self.get(request),
            ("DELETE", None) => match self.objects.remove(&request.path) {
                Some(_) => Response::new(204),
                None => Response::new(404),
            },
            _ => Response::new(405),
        }
    }

    fn put(&mut self, path: &str, bytes: Vec<u8>) -> Object {
        self.generation += 1;
        let object = Object {
            bytes,
            generation: self.generation,
        };
        self.objects.insert(path.to_owned(), object.clone());
        object
    }

    fn put_if(&mut self, request: &Request) -> Response {
        let there = self
            .objects
            .get(&request.path)
            .map_or(0, |object| object.generation);
        let wanted = request.headers.get("x-goog-if-generation-match");
        if wanted.is_some_and(|wanted| *wanted != there.to_string()) {
            return Response::new(412);
        }
        let mut bytes = request.body.clone();
        if let Some(from) = request.headers.get("x-goog-copy-source") {
            match self.objects.get(&decoded(from.trim_start_matches('/'))) {
                Some(object) => bytes = object.bytes.clone(),
                None => return Response::new(404),
            }
        }
        let object = self.put(&request.path, bytes);
        Response::new(200).about(&object)
    }

    fn get(&self, request: &Request) -> Response {
        let Some(object) = self.objects.get(&request.path) else {
            return Response::new(404);
        };
        let etag = format!("\"{}\"", object.generation);
        if request
            .headers
            .get("if-match")
            .is_some_and(|wanted| *wanted != etag)
        {
            return Response::new(412);
        }
        let length = object.bytes.len();
        let range = request.headers.get("range").and_then(|range| {
            let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
            let last = |text: &str| {
                text.parse()
                    .map_or(length, |to: usize| (to + 1).min(length))
            };
            match from {
                "" => Some((length.saturating_sub(to.parse().ok()?), length)),
                from => Some((from.parse().ok()?, last(to))),
            }
        });
        let mut response = Response::new(200).about(object);
        response.body = object.bytes.clone();
        if let Some((from, to)) = range.filter(|(from, to)| from < to) {
            response.status = 206;
            response.body = object.bytes[from..to].to_vec();
            let shown = format!("bytes {from}-{}/{length}", to - 1);
            response.headers.push(("Content-Range", shown));
        }
        response
    }

    fn list(&self, bucket: &str, query: &HashMap<String, String>) -> Response {
        let text = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        let prefix = format!("{bucket}/{}", text("prefix"));
        let after = text("start-after").max(text("continuation-token"));
        let most = text("max-keys").parse().unwrap_or(1000);
        let mut folders = BTreeSet::new();
        let mut xml = String::from("<ListBucketResult>");
        let (mut count, mut next) = (0, None);
        for (path, object) in self.objects.range(prefix.clone()..) {
            let Some(rest) = path.strip_prefix(&prefix) else {
                break;
            };
            let name = &path[bucket.len() + 1..];
            if !after.is_empty() && name <= after {
                continue;
            }
            if let ("/", Some(end)) = (text("delimiter"), rest.find('/')) {
                folders.insert(format!("{}{}", text("prefix"), &rest[..=end]));
                continue;
            }
            if count == most {
                break;
            }
            count += 1;
            next = (count == most).then(|| name.to_owned());
            xml.push_str(&format!(
                "<Contents><Key>{}</Key><Size>{}</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified>\
                 <ETag>\"{}\"</ETag></Contents>",
                escaped(name),
                object.bytes.len(),
                object.generation
            ));
        }
        for folder in folders {
            let folder = escaped(&folder);
            xml.push_str(&format!(
                "<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"
            ));
        }
        if let Some(next) = next {
            let next = escaped(&next);
            xml.push_str(&format!(
                "<NextContinuationToken>{next}</NextContinuationToken>"
            ));
        }
        xml.push_str("</ListBucketResult>");
        Response::xml(xml)
    }
}
