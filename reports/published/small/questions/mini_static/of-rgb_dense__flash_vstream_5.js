given("of-rgb_dense__flash_vstream_5",{"outcomes":"211221212121212112121222","labels":null});
