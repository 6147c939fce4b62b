given("of-rgb__flash_vstream_5",{"outcomes":"333333123322332333323322","labels":null});
