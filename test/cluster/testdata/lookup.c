/* Prints the IPv4 address of a name as an Alpine container sees it: linked with musl, whose
   resolver ends a search at the first suffix that is answered with SERVFAIL. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
	char text[INET_ADDRSTRLEN];
	int error;

	if (argc != 2)
		return 2;
	error = getaddrinfo(argv[1], NULL, &hints, &found);
	if (error) {
		printf("%s\n", gai_strerror(error));
		return 1;
	}
	puts(inet_ntop(AF_INET, &((struct sockaddr_in *)found->ai_addr)->sin_addr, text, sizeof text));
	return 0;
}
