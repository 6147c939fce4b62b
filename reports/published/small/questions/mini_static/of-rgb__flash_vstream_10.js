given("of-rgb__flash_vstream_10",{"outcomes":"333333123322332333323322","labels":null});
