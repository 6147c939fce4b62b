given("of-rgb__flash_vstream_50",{"outcomes":"323331213323212123122333","labels":null});
