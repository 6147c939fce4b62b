given("of-rgb__flash_vstream_10",{"outcomes":"321333233333312333122313","labels":null});
