-- One message from start to end: every step answered as a filter without early answers should.
-- The socket is given as: miltertest -D socket=unix:/path -s message.lua

conn = mt.connect(socket, 40, 0.25)
if conn == nil then
	error("cannot connect to " .. socket)
end

if mt.conninfo(conn, "client.example", "192.0.2.1") ~= nil then
	error("CONNECT failed")
end
if mt.helo(conn, "client.example") ~= nil then
	error("HELO failed")
end

mt.macro(conn, SMFIC_MAIL, "i", "test-id")
if mt.mailfrom(conn, "<anna@a.example>", "SIZE=100") ~= nil then
	error("MAIL failed")
end
mt.rcptto(conn, "<bert@b.example>")
mt.rcptto(conn, "<carl@b.example>", "NOTIFY=NEVER")
mt.data(conn)
mt.header(conn, "Subject", "insert")
mt.header(conn, "From", "anna@a.example")
mt.eoh(conn)
mt.bodystring(conn, "first line\r\n")
mt.bodystring(conn, "second line\r\n")
mt.eom(conn)

if mt.getreply(conn) ~= SMFIR_CONTINUE then
	error("the message was not passed on: " .. mt.getreply(conn))
end
if not mt.eom_check(conn, MT_HDRINSERT, "X-Second") then
	error("X-Second was not inserted")
end
if not mt.eom_check(conn, MT_HDRADD, "X-End") then
	error("X-End was not added")
end

-- The same connection takes a message which is refused in words of several lines.
mt.mailfrom(conn, "<anna@a.example>")
mt.rcptto(conn, "<bert@b.example>")
mt.data(conn)
mt.header(conn, "Subject", "refuse")
mt.eoh(conn)
mt.bodystring(conn, "body\r\n")
mt.eom(conn)
if mt.getreply(conn) ~= SMFIR_REPLYCODE then
	error("the message was not refused: " .. mt.getreply(conn))
end
-- One is given up, and the next is held.
mt.mailfrom(conn, "<anna@a.example>")
mt.rcptto(conn, "<bert@b.example>")
mt.abort(conn)
mt.mailfrom(conn, "<anna@a.example>")
mt.rcptto(conn, "<bert@b.example>")
mt.data(conn)
mt.header(conn, "Subject", "quarantine")
mt.eoh(conn)
mt.eom(conn)
if not mt.eom_check(conn, MT_QUARANTINE) then
	error("the message was not held")
end

mt.disconnect(conn)
