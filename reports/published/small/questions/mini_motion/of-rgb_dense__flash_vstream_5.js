given("of-rgb_dense__flash_vstream_5",{"outcomes":"221111221212212122122111","labels":null});
