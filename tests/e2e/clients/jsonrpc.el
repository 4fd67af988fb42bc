;;; jsonrpc.el --- Emacs's jsonrpc library -*- lexical-binding: t -*-
;; Arguments: the daemon's command, or `--join SOCKET`.
(require 'jsonrpc)
(require 'json)

(let* ((arguments command-line-args-left)
       (process
        (if (equal (car arguments) "--join")
            (make-network-process :name "agentrouted" :family 'local :service (cadr arguments) :coding 'utf-8-unix)
          (make-process :name "agentrouted" :command arguments :connection-type 'pipe
                        :coding 'utf-8-unix :noquery t :stderr (get-buffer-create "*stderr*"))))
       (connection (make-instance 'jsonrpc-process-connection :name "agentrouted" :process process)))
  (jsonrpc-request connection :initialize '(:capabilities nil))
  (jsonrpc-notify connection :initialized nil)
  (let ((route (jsonrpc-request connection :resolveModel '(:model "ollama/llama3"))))
    (jsonrpc-request connection :shutdown nil)
    (jsonrpc-notify connection :exit nil)
    (while (process-live-p process) (accept-process-output process 0.1))
    (princ (json-encode (list :provider (plist-get route :provider)
                              :modelId (plist-get route :modelId)
                              ;; A socket that is closed counts as 256.
                              :exitCode (mod (process-exit-status process) 256)))))
  (setq command-line-args-left nil))
