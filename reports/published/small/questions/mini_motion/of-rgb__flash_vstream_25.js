given("of-rgb__flash_vstream_25",{"outcomes":"323331233323212123122333","labels":null});
