-- An MTA of version 2 waits for an answer at every step, and knows six actions.

conn = mt.connect(socket, 40, 0.25)
if conn == nil then
	error("cannot connect to " .. socket)
end
if mt.negotiate(conn, 2, 63, 127) ~= nil then
	error("version 2 was refused")
end

function continues(step, failed)
	if failed ~= nil then
		error(step .. " failed: " .. failed)
	end
	if mt.getreply(conn) ~= SMFIR_CONTINUE then
		error(step .. " was answered with " .. mt.getreply(conn))
	end
end

continues("CONNECT", mt.conninfo(conn, "client.example", "192.0.2.1"))
continues("HELO", mt.helo(conn, "client.example"))
continues("MAIL", mt.mailfrom(conn, "<anna@a.example>"))
continues("RCPT", mt.rcptto(conn, "<bert@b.example>"))
continues("HEADER", mt.header(conn, "Subject", "change"))
continues("EOH", mt.eoh(conn))
continues("BODY", mt.bodystring(conn, "body\r\n"))
continues("EOM", mt.eom(conn))
if not mt.eom_check(conn, MT_HDRDELETE, "x-marked") then
	error("x-marked was not deleted")
end
if not mt.eom_check(conn, MT_HDRCHANGE, "X-Marked", "changed") then
	error("X-Marked was not changed, without the space that version 6 wants")
end
mt.disconnect(conn)
