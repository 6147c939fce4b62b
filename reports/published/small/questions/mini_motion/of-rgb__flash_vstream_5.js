given("of-rgb__flash_vstream_5",{"outcomes":"321333233333312333122313","labels":null});
