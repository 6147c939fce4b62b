given("of-rgb_dense__flash_vstream_10",{"outcomes":"211221212121212112121222","labels":null});
